//! Figure `cold_start_stored`: from a node's start until its page answers, with many envelopes stored, beside
//! the store's own opening. The goal is 2 or less with a million.
//!
//! Both open the same directory, in turns, each in a process of its own, after the pages of its files were read: what
//! is compared is what the node does beyond the opening. `SOUK_BENCH=small` stores twenty thousand, of which the
//! opening takes so little that the ratio says nothing yet.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a benchmark stops where it fails"
)]

use souk_node::home::Home;
use souk_node::http::{Api, serve};
use souk_node::network;
use souk_node::node::Node;
use souk_node::store::{Options, Store};
use souk_protocol::records::laws;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A post of ordinary length, as an envelope.
const ENVELOPE_BYTES: usize = 500;
/// Envelopes of one commit.
const GROUP: usize = 1_000;
/// Envelopes of the same few authors.
const EACH: usize = 20_000;

/// Stores so many envelopes as a node would have stored them.
fn fill(store: &Store, envelopes: usize) {
    for part in 0..envelopes.div_ceil(EACH) {
        let count = EACH.min(envelopes - part * EACH);
        let posts = laws::posts(1 + part as u64, count, ENVELOPE_BYTES).expect("posts");
        for group in posts.chunks(GROUP) {
            store.commit(&group.concat()).expect("a commit");
        }
    }
}

/// How long the store takes to open.
fn opening(home: &Path) -> Duration {
    let (home, _) = Home::open_or_create(home, None).expect("a home");
    let begun = Instant::now();
    let store = Store::open(&home.store(), Options::default()).expect("a store");
    let took = begun.elapsed();
    drop(store);
    took
}

/// How long it takes until the first screen is there.
async fn page(home: &Path) -> Duration {
    let begun = Instant::now();
    let (home, _) = Home::open_or_create(home, None).expect("a home");
    let node = Node::start(&home, network::Config::loopback()).expect("a node");
    let api = serve(node.clone(), &home, Some(0)).await.expect("an API");
    let answer = screen(&api, &home).await;
    let took = begun.elapsed();
    assert!(
        answer.starts_with(b"HTTP/1.1 200"),
        "{}",
        String::from_utf8_lossy(&answer)
    );
    took
}

/// The same in a process of its own, as a start is: nothing is left of the one before.
fn alone(what: &str, home: &Path) -> Duration {
    let this = std::env::current_exe().expect("this program");
    let told = Command::new(this)
        .arg(what)
        .arg(home)
        .output()
        .expect("a process");
    let text = String::from_utf8_lossy(&told.stdout);
    let micros = text.trim().parse();
    Duration::from_micros(
        micros.unwrap_or_else(|_| panic!("{text}{}", String::from_utf8_lossy(&told.stderr))),
    )
}

async fn screen(api: &Api, home: &Home) -> Vec<u8> {
    let token = home.token().expect("a token");
    let asked = format!(
        "GET / HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nConnection: close\r\n\r\n",
        api.address(),
        token.reveal()
    );
    let mut stream = TcpStream::connect(api.address()).await.expect("a connection");
    stream.write_all(asked.as_bytes()).await.expect("asked");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("an answer");
    answer
}

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [what, home] if what == "open" => return println!("{}", opening(Path::new(home)).as_micros()),
        [what, home] if what == "page" => return println!("{}", page(Path::new(home)).await.as_micros()),
        // What `cargo bench` says.
        _ => {}
    }
    let small = std::env::var("SOUK_BENCH").is_ok_and(|mode| mode == "small");
    let (envelopes, runs) = if small { (20_000, 3) } else { (1_000_000, 5) };
    let root = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
    let dir = root.path().join("home");
    let store = Home::open_or_create(&dir, None).expect("a home").0.store();
    let begun = Instant::now();
    fill(
        &Store::open(&store, Options::default()).expect("a store"),
        envelopes,
    );
    println!("{envelopes} envelopes in {:.0?}", begun.elapsed());
    let (mut ratios, mut seconds) = (Vec::new(), Vec::new());
    for run in 0..=runs {
        let (bare, whole) = (alone("open", &dir), alone("page", &dir));
        println!("run {run}: page after {whole:.3?}, the store's own opening {bare:.3?}");
        // The first one warms up.
        if run > 0 {
            ratios.push(whole.as_secs_f64() / bare.as_secs_f64());
            seconds.push(whole.as_secs_f64());
        }
    }
    ratios.sort_by(f64::total_cmp);
    seconds.sort_by(f64::total_cmp);
    println!(
        r#"{{"figure":"cold_start_stored","value":{:.3},"baseline":"the store's own opening","unit":"ratio","runs":{runs},"min":{:.3},"max":{:.3},"envelopes":{envelopes},"seconds":{:.3}}}"#,
        ratios[ratios.len() / 2],
        ratios[0],
        ratios[ratios.len() - 1],
        seconds[seconds.len() / 2],
    );
}
