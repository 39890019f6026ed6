//! `souk stop`: stops the node that runs on the directory, and waits until it has.

use super::Context;
use crate::failure::Failure;
use serde_json::json;
use std::time::{Duration, Instant};

/// How long a node may take to stop.
const STOP_MAX: Duration = Duration::from_secs(15);
/// How often to look.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Stops it.
pub(crate) fn run(context: &Context) -> Result<(), Failure> {
    let client = context.client()?;
    let value = client.post("/stop", &json!({}))?;
    let deadline = Instant::now() + STOP_MAX;
    while client.answers() {
        if Instant::now() > deadline {
            return Err(Failure::too_late(
                format!("the node on {} is still stopping", context.home.display()),
                "wait a little, then look with `souk status`",
            ));
        }
        std::thread::sleep(LOOK_EVERY);
    }
    context.output.answer(&value, "stopped");
    Ok(())
}
