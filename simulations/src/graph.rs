//! Who is connected with whom. An edge has a direction: its first end dials its second, which gossipsub
//! cares about.

use crate::chance::Chance;

/// Connections between nodes `0..nodes`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Graph {
    /// How many nodes.
    pub nodes: usize,
    /// Who dials whom; each pair once, in whichever direction, sorted.
    pub edges: Vec<(u32, u32)>,
}

impl Graph {
    /// Every node dials half of this degree, at random. Degrees differ by a few.
    pub fn random(chance: &mut Chance, nodes: usize, degree: usize) -> Self {
        let mut edges = Vec::with_capacity(nodes * degree.div_ceil(2));
        for node in 0..nodes {
            // Halves of odd degrees take turns.
            let dials = degree / 2 + (degree % 2) * (node % 2);
            for other in distinct(chance, nodes, node, dials) {
                edges.push((number(node), number(other)));
            }
        }
        Self { nodes, edges }.tidied()
    }

    /// Watts and Strogatz: a ring where each node dials the next ones, half of this degree; of a thousand
    /// edges, so many lead anywhere instead.
    pub fn small_world(chance: &mut Chance, nodes: usize, degree: usize, rewired: u64) -> Self {
        let mut edges = Vec::with_capacity(nodes * degree / 2);
        for node in 0..nodes {
            for step in 1..=(degree / 2).min(nodes.saturating_sub(1)) {
                let far = chance.in_thousand(rewired);
                let other = match far {
                    true => chance.index(nodes),
                    false => (node + step) % nodes,
                };
                edges.push((number(node), number(other)));
            }
        }
        Self { nodes, edges }.tidied()
    }

    /// Barabási and Albert: nodes come one after the other, and each dials so many of the earlier ones,
    /// with a chance in proportion to the connections that these have.
    pub fn power_law(chance: &mut Chance, nodes: usize, dials: usize) -> Self {
        let mut edges: Vec<(u32, u32)> = Vec::with_capacity(nodes * dials);
        // Every end of every edge: a draw from it is a draw by degree.
        let mut ends: Vec<u32> = Vec::with_capacity(nodes * dials * 2);
        for node in 0..nodes {
            let mut chosen: Vec<u32> = Vec::with_capacity(dials);
            for _ in 0..dials * 4 {
                if chosen.len() >= dials.min(node) {
                    break;
                }
                let other = match node <= dials {
                    true => number(chance.index(node)),
                    false => chance.pick(&ends).copied().unwrap_or(0),
                };
                if !chosen.contains(&other) {
                    chosen.push(other);
                }
            }
            for other in chosen {
                edges.push((number(node), other));
                ends.extend([number(node), other]);
            }
        }
        Self { nodes, edges }.tidied()
    }

    /// From lines of two numbers and whatever follows, with spaces, tabs or commas between them. Numbers
    /// are given anew in the order of their size; a line that has no two numbers is left out.
    pub fn of_list(text: &str) -> Self {
        let pairs: Vec<(u64, u64)> = text
            .lines()
            .filter_map(|line| {
                let mut numbers = line
                    .split(|c: char| c == ',' || c.is_whitespace())
                    .filter(|word| !word.is_empty())
                    .map(str::parse::<u64>);
                Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
            })
            .collect();
        let mut names: Vec<u64> = pairs.iter().flat_map(|(a, b)| [*a, *b]).collect();
        names.sort_unstable();
        names.dedup();
        let known = |name: &u64| number(names.binary_search(name).unwrap_or(0));
        let edges = pairs.iter().map(|(a, b)| (known(a), known(b))).collect();
        let nodes = names.len();
        Self { nodes, edges }.tidied()
    }

    /// Without loops and repetitions, sorted.
    fn tidied(mut self) -> Self {
        self.edges.retain(|(a, b)| a != b);
        let pair = |(a, b): &(u32, u32)| (*a.min(b), *a.max(b));
        self.edges.sort_by_key(pair);
        self.edges.dedup_by_key(|edge| pair(edge));
        self
    }
}

/// So many different nodes other than this one, or all others if there are fewer.
fn distinct(chance: &mut Chance, nodes: usize, but: usize, count: usize) -> Vec<usize> {
    let mut chosen = Vec::with_capacity(count);
    if count + 1 >= nodes {
        return (0..nodes).filter(|other| *other != but).collect();
    }
    while chosen.len() < count {
        let other = chance.index(nodes);
        if other != but && !chosen.contains(&other) {
            chosen.push(other);
        }
    }
    chosen
}

fn number(node: usize) -> u32 {
    u32::try_from(node).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn degrees(graph: &Graph) -> Vec<usize> {
        let mut degrees = vec![0; graph.nodes];
        for (a, b) in &graph.edges {
            degrees[*a as usize] += 1;
            degrees[*b as usize] += 1;
        }
        degrees
    }

    #[test]
    fn graphs_have_the_degrees_that_were_asked_for() {
        let random = Graph::random(&mut Chance::of(1), 1_000, 20);
        let mean = random.edges.len() as f64 * 2.0 / 1_000.0;
        assert!((19.5..=20.0).contains(&mean), "{mean}");
        assert!(degrees(&random).iter().all(|degree| (10..=40).contains(degree)));

        let ring = Graph::small_world(&mut Chance::of(1), 100, 6, 0);
        assert!(degrees(&ring).iter().all(|degree| *degree == 6));

        let law = Graph::power_law(&mut Chance::of(1), 2_000, 5);
        let degrees = degrees(&law);
        assert!(degrees.iter().all(|degree| *degree >= 1));
        assert!(*degrees.iter().max().unwrap() > 80, "somebody knows many");
    }

    #[test]
    fn a_seed_gives_one_graph() {
        let of = |seed| Graph::small_world(&mut Chance::of(seed), 200, 8, 100);
        assert_eq!(of(4), of(4));
        assert_ne!(of(4), of(5));
    }

    #[test]
    fn a_list_is_read_with_spaces_and_commas() {
        let graph = Graph::of_list("2 966 1\n966,2\n5\t1509 1\n7 7 1\nno line\n");
        assert_eq!(graph.nodes, 5);
        assert_eq!(graph.edges, [(0, 3), (1, 4)]);
    }
}
