//! An actor of one's own in a market: a hoarder. It is honest, but it asks every shop for all that it has and places
//! no order. Copy this file, change the actor, and run it with
//! `cargo run --release -p souk-simulations --example my_trader`.

use souk_protocol::api::{Command, Happening};
use souk_simulations::actor::{Actor, Doing, Done, Own, Troupe};
use souk_simulations::chance::Chance;
use souk_simulations::figure::missed;
use souk_simulations::run;
use souk_simulations::scenario::Scenario;
use std::sync::Arc;

/// Asks for much.
struct Hoarder {
    /// Units of everything.
    units: u32,
}

impl Actor for Hoarder {
    fn name(&self) -> &'static str {
        "hoarder"
    }

    fn acts(&mut self, own: &Own<'_>, chance: &mut Chance) -> Done {
        let mut wish = own.view.buy(chance)?;
        if let Some(Command::AskQuote { lines, .. }) = &mut wish {
            lines.iter_mut().for_each(|line| line.units = self.units);
        }
        Ok(wish.map(Doing::wish).into_iter().collect())
    }

    fn told(&mut self, _what: &Happening, _own: &Own<'_>, _chance: &mut Chance) -> Done {
        Ok(Vec::new())
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // The people of a built-in scenario, and three of us among them.
    let scenario = Scenario::named("first")?.with_nodes(15)?;
    let hoarders = Troupe {
        count: 3,
        from_ms: 10_000,
        every_ms: 10_000,
        knows: 4,
        followers: 0,
        make: Arc::new(|count| {
            (0..count)
                .map(|_| Box::new(Hoarder { units: 2 }) as Box<dyn Actor>)
                .collect()
        }),
    };
    let tries = run::TRIES_MAX;
    let outcome = run::played(&scenario, &[hoarders], 1, None, tries, &mut |_| {});
    let played = outcome.played(scenario.nodes);
    for (name, value) in &played.figures.numbers {
        println!("{name:32} {value:.3}");
    }
    println!("{}", played.broken.as_deref().unwrap_or("every law held"));
    for missed in missed(&scenario.thresholds, &played.figures) {
        println!("missed: {missed}");
    }
    Ok(())
}
