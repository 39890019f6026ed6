//! An actor of one's own: a leech. It takes part in the mesh and reads everything, but passes on only every
//! tenth message. Copy this file, change the policy, and run it with
//! `cargo run --release -p souk-simulations --example my_actor`.

use souk_simulations::figure::missed;
use souk_simulations::mesh::policy::{About, Me, Policy};
use souk_simulations::mesh::scenario::{Attack, Scenario};
use souk_simulations::mesh::{World, play_world};

/// Passes on little.
struct Leech {
    /// Of so many messages it passes on one.
    one_of: u32,
}

impl Policy for Leech {
    fn name(&self) -> &'static str {
        "leech"
    }

    fn forwards(&mut self, me: Me, about: About, _to: u32) -> bool {
        !me.attacks() || about.message.is_multiple_of(self.one_of)
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // The crowd of a built-in scenario, with a quarter as many of us among them.
    let mut scenario = Scenario::named("baseline")?.with_nodes(200)?;
    scenario.attack = Some(Attack {
        nodes: 50,
        connections_each: 20,
        dial_from_ms: 0,
        from_ms: 20_000,
        ..Scenario::named("covert-flash")?
            .attack
            .ok_or("the scenario has attackers")?
    });
    let world = World::with_policies(&scenario, 1, vec![Box::new(Leech { one_of: 10 })])?;
    let played = play_world(world, &mut |_| {});
    for (name, value) in &played.figures.numbers {
        println!("{name:32} {value:.3}");
    }
    for missed in missed(&scenario.thresholds, &played.figures) {
        println!("missed: {missed}");
    }
    Ok(())
}
