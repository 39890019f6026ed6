//! What figures and curves are called in reports, in words that a person understands without reading code.

/// A figure or curve in words.
pub struct Words {
    /// Its name in reports.
    pub title: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// What stands on the axes, if it is a curve: across and up.
    pub axes: (&'static str, &'static str),
}

macro_rules! words {
    ($($name:literal: $title:literal, $meaning:literal $(, $across:literal, $up:literal)?;)*) => {
        const WORDS: &[(&str, Words)] = &[$(($name, Words {
            title: $title,
            meaning: $meaning,
            axes: words!(@axes $($across, $up)?),
        }),)*];
    };
    (@axes) => { ("", "") };
    (@axes $across:literal, $up:literal) => { ($across, $up) };
}

words! {
    "orders": "Orders", "How many orders were begun.";
    "completed_share": "Completed", "Share of the orders that came to their good end; the others were declined, cancelled, lapsed, or still open.";
    "completed_by_tab_share": "Completed by tab", "Of the completed orders, those that a tab paid.";
    "completed_by_hand_share": "Completed by hand", "Of the completed orders, those paid in another way.";
    "declined_share": "Declined", "Share of the orders that the merchant did not want.";
    "cancelled_share": "Cancelled", "Share of the orders that the buyer took back.";
    "lapsed_share": "Lapsed", "Share of the orders that ended because somebody was silent.";
    "reviewed_share": "Reviewed", "Share of the completed orders with a review.";
    "converged_ms": "Agreement after the storm (ms)", "How long after nothing failed any more it took until all nodes agreed about every order, tab and post.";
    "refused_wishes_share": "Refused wishes", "Share of what people wanted that their own node refused: sold out, no credit, too late.";
    "crashes": "Crashes", "How often a node died, before or after a commit.";
    "lost_messages": "Lost messages", "Messages, requests and answers that the wires lost.";
    "rush_sold": "Units sold in the rush", "Units of the first shop's first product that somebody has bought.";
    "rush_sold_elsewhere": "Sold by further devices", "Of these units, those that another device than the shop's first one sold: they were handed over to it.";
    "rush_wanted": "Orders in the rush", "Orders for the first shop's first product.";
    "dialled_back": "Dialled back", "Connections that the other side began, since it is behind a NAT and nobody can dial it.";
    "relayed_connections": "Relayed", "Connections between two nodes that nobody can dial, over a relay.";
    "machine_nights": "Machines off at night", "How often a machine was off while its owner slept.";
    "slept_over": "Left for the morning", "How often somebody looked only in the morning at what their node told them at night.";
    "lost_minor_max": "Greatest loss to one liar", "What somebody honest would lose if one liar never gave anything more, in cents: at most the limit that they granted.";
    "lost_minor_sum": "All losses to liars", "The same for all pairs of somebody honest and a liar together, in cents.";
    "lost_of_granted_max": "Greatest loss, of the limit", "The same as a share of the limit that was granted: never more than 1.";
    "debtors": "Debtors", "Liars to whom somebody honest lost something.";
    "fanout_mean": "Fan-out", "Neighbours whom a node outside the topic told of a message, on average.";
    "advanced_minor_sum": "Paid to liars in advance", "What honest people paid liars upon tabs for orders that are not completed, given back or not, in cents.";
    "placed_by_hand": "Orders placed by hand", "Orders that liars placed past their peers, whether or not these had let them.";
    "equivocators": "Two-faced authors", "Authors who said two things under one number.";
    "equivocation_proved_share": "Two-faced authors found out", "Of all pairs of a two-faced author and an honest reader, those where the reader can prove it at the end.";
    "fake_reviews": "Fake reviews", "Reviews that were signed without a purchase.";
    "fake_reviews_held": "Fake reviews held", "The same, each as often as somebody honest holds it.";
    "fake_badges": "Fake reviews of honest shops", "Fake reviews of somebody else's shop that are shown as a buyer's word. Anything but 0 is a bug.";
    "liars_vouched_share": "Liars vouched for", "Of all pairs of somebody honest and a liar, those where somebody whom the former follows vouches for the liar.";
    "honest_completed_share": "Completed between honest people", "Share of the orders between honest people that came to their good end.";
    "words_of_one_liar_max": "Words of one liar", "The most public words of one liar that somebody honest holds.";
    "refused_as_too_much": "Refused as too much", "Words that a node did not take because their author had used up a share.";
    "words_by_hand": "Words by hand", "Words that liars signed past their peers.";
    "unsayable_words": "Words that nobody can sign", "Words that liars wanted to sign and that break a rule which anyone can check.";
    "edits": "Edits", "How often somebody wanted to change their shop: a price, a title, a description, stock, or listings from a file.";
    "edits_refused": "Refused edits", "Edits that the owner's own device refused.";
    "edits_refused_share": "Refused edits, share", "The same, of all edits.";
    "talk_bytes_per_edit": "Bytes between devices an edit", "What devices of one shop sent each other about its documents, divided by all edits.";
    "documents_bytes": "Documents (bytes)", "All documents of the shops, on one device of each, with their histories.";
    "largest_document_bytes": "Largest document (bytes)", "The largest of them; a device loads none of more than 16 MiB.";
    "steps": "Steps", "Inputs that the peers handled.";
    "envelopes_per_node": "Envelopes a node", "Signed statements, divided by the nodes.";
    "rows_per_node": "Rows a node", "Rows in a node's store at the end.";
    "broken_laws": "Broken laws", "Seeds in which something happened that must never happen. Anything but 0 is a bug.";
    "orders_begun": "Orders begun", "All orders, over time.", "seconds", "orders";
    "orders_completed": "Orders completed", "Orders that came to their good end, over time.", "seconds", "orders";
    "money_paid_minor": "Money that moved", "Totals of all orders with a receipt, over time, in cents.", "seconds", "cents";
    "delivered_share": "Delivered", "Share of all (message, honest reader) pairs that arrived.";
    "reachable_share": "Reachable", "Of all pairs of a message and a node, those between which there is a way at all: the others are offline, parted, or in another part of the graph.";
    "latency_ms_p50": "Latency, median (ms)", "Half of the deliveries took less than this.";
    "latency_ms_p99": "Latency, 99 % (ms)", "Of a hundred deliveries ninety-nine took less than this.";
    "latency_ms_max": "Latency, slowest (ms)", "The slowest delivery of all.";
    "latency_ms_mean": "Latency, mean (ms)", "The mean over all deliveries.";
    "mesh_full_share": "Full meshes", "Nodes that have gossipsub's least number of neighbours in the mesh, or all that they know.";
    "gossip_cpu_us_per_delivery": "Work for a delivery (µs)", "Processor time of all nodes together while messages were on their way, less what they need without any, for each delivery.";
    "cpu_load": "Load", "Share of all cores that the nodes were busy while messages were on their way. Near 1, the machine is measured and not the network.";
    "idle_cpu_load": "Load without messages", "The same, before the first message.";
    "model_latency_ms_p50": "Latency, median, in the model (ms)", "What the model of the mesh says for the same graph, delays and publishers.";
    "model_latency_ms_p99": "Latency, 99 %, in the model (ms)", "What the model of the mesh says for the same graph, delays and publishers.";
    "model_duplicates": "Duplicates in the model", "What the model of the mesh says for the same graph, delays and publishers.";
    "model_mesh_degree_mean": "Mesh degree in the model", "What the model of the mesh says for the same graph, at its end.";
    "fidelity_p50": "Model over reality, median latency", "1 if the model says what real nodes did; more if it is too slow.";
    "fidelity_p99": "Model over reality, 99 % latency", "1 if the model says what real nodes did; more if it is too slow.";
    "fidelity_duplicates": "Model over reality, duplicates", "1 if the model says what real nodes did; more if it repeats too much.";
    "fidelity_mesh_degree": "Model over reality, mesh degree", "1 if the model's meshes are as full as those of real nodes.";
    "duplicates": "Duplicates", "How often a message came again, for each delivery.";
    "bytes_per_node": "Bytes a node", "What a node sent, messages and control together.";
    "control_bytes_share": "Control", "Share of the bytes that is no message but the mesh's own talk.";
    "mesh_degree_mean": "Mesh degree", "Neighbours in the mesh, mean over the nodes.";
    "mesh_honest_share": "Honest mesh", "Share of an honest node's mesh that is honest, at the end.";
    "mesh_honest_share_after_120s": "Honest mesh after 120 s", "The same, two minutes after the attack began.";
    "latency_over_dijkstra": "Latency over the shortest path", "The 99 % latency, divided by that of the shortest paths over the same mesh: 1 is the best that any protocol could do on it.";
    "graylisted_honest": "Honest nodes shunned", "Honest nodes that another honest node stopped listening to.";
    "memory_bytes_per_node": "Memory a node (bytes)", "What the simulator holds for each node.";
    "broken_promises": "Broken promises", "Messages that a peer named and did not send when it was asked.";
    "delivered_share_of_first_node": "Delivered to the first node", "The same for the node that an eclipse is about.";
    "dropped_messages": "Dropped messages", "Messages that waited too long for a line and were let go.";
    "events_delivered": "Deliveries", "Messages that reached an honest node for the first time.";
    "graylisted_attackers": "Attackers shunned", "Attackers that some honest node stopped listening to.";
    "shortest_ms_p99": "Shortest path, 99 % (ms)", "What no protocol could beat on this mesh.";
    "gossip_cpu_us_per_delivery": "CPU a delivery (µs)", "Processor time of the whole process, divided by deliveries.";
    "events": "Events", "Events of the simulator.";
    "delivery_cdf": "How fast messages arrive", "Share of the deliveries that took at most so long.", "milliseconds", "share";
    "latency_by_hops": "Latency against hops", "Mean latency of deliveries that passed so many nodes.", "hops", "milliseconds";
    "mesh_health": "Mesh health", "Share of the nodes whose mesh has as many neighbours as it should.", "seconds", "share";
    "bytes_per_node_cdf": "Bytes, node by node", "Share of the nodes that sent at most so much.", "bytes", "share";
    "duplicates_cdf": "Duplicates, node by node", "Share of the nodes with at most so many duplicates a delivery.", "duplicates", "share";
}

/// A figure or curve in words, if it has any.
pub fn words(name: &str) -> Option<&'static Words> {
    WORDS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, words)| words)
}
