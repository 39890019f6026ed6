//! What a node says of itself in identify's agent string: where its lane is, and which run of the program
//! it is. See `spec/transport.md`.

use std::fmt;

use super::{error::NetworkError, lane::LanePorts};

/// Everything in an agent string that means something to another node.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Agent {
    pub(crate) ports: LanePorts,
    /// Drawn at each start: a device that tells another one is another process than before.
    pub(crate) run: Option<u64>,
}

impl Agent {
    /// What this process says, with a run of its own.
    pub(crate) fn draw(ports: LanePorts) -> Result<Self, NetworkError> {
        let run = getrandom::u64().map_err(|error| NetworkError::Setup {
            what: "random numbers",
            reason: error.to_string(),
        })?;
        Ok(Self {
            ports,
            run: Some(run),
        })
    }

    /// Reads an agent string; what it does not tell, or tells in another form, is nothing.
    pub(crate) fn parse(text: &str) -> Self {
        let mut words = text.split(' ');
        if !words.next().is_some_and(|name| name.starts_with("souk/")) {
            return Self::default();
        }
        let mut agent = Self::default();
        for word in words {
            match word.split_once('/') {
                Some(("lane", ports)) => agent.ports = parse_ports(ports).unwrap_or_default(),
                Some(("run", run)) => agent.run = u64::from_str_radix(run, 16).ok(),
                // Later versions may say more.
                _ => {}
            }
        }
        agent
    }
}

fn parse_ports(text: &str) -> Option<LanePorts> {
    let (v4, v6) = text.split_once('/')?;
    let port = |text: &str| text.parse::<u16>().ok();
    let (v4, v6) = (port(v4)?, port(v6)?);
    Some(LanePorts {
        v4: Some(v4).filter(|port| *port != 0),
        v6: Some(v6).filter(|port| *port != 0),
    })
}

impl fmt::Display for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (v4, v6) = (self.ports.v4.unwrap_or(0), self.ports.v6.unwrap_or(0));
        write!(f, "souk/{} lane/{v4}/{v6}", env!("CARGO_PKG_VERSION"))?;
        match self.run {
            Some(run) => write!(f, " run/{run:016x}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_reads_as_it_was_told() {
        let ports = |v4, v6| LanePorts { v4, v6 };
        for ports in [
            ports(Some(1), Some(65_535)),
            ports(Some(7), None),
            ports(None, None),
        ] {
            for run in [None, Some(0), Some(u64::MAX)] {
                let agent = Agent { ports, run };
                assert_eq!(Agent::parse(&agent.to_string()), agent);
                assert_eq!(Agent::parse(&format!("{agent} later/1")), agent);
            }
        }
    }

    #[test]
    fn a_foreign_agent_string_tells_nothing() {
        for agent in [
            "",
            "souk/1",
            "rust-libp2p/0.48",
            "souk/1 lane/70000/1",
            "souk/1 lane/1",
            "x lane/1/2 run/1",
            "souk/1 run/xyz",
            "souk/1 run/10000000000000000",
        ] {
            assert_eq!(Agent::parse(agent), Agent::default(), "{agent}");
        }
    }
}
