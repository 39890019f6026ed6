//! The journeys of `stories/`, played as they are written.

#![expect(clippy::panic, reason = "what fails here is the test")]

mod story;

use story::stage::Stage;

fn play(name: &str, page: &str) {
    if let Err(error) = Stage::play(page) {
        panic!("stories/{name}, {error}");
    }
}

#[test]
fn open_a_shop() {
    play("open-a-shop.md", include_str!("../stories/open-a-shop.md"));
}

#[test]
fn second_device() {
    play("second-device.md", include_str!("../stories/second-device.md"));
}

#[test]
fn first_purchase() {
    play("first-purchase.md", include_str!("../stories/first-purchase.md"));
}
