//! The door of the API, tried with every way to write an address that is nearly right: exactly this node's
//! two names and their origins come in.

use super::wire::{Answer, EXCHANGE, Running, parsed};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Forms that the test is worth at least.
const FORMS_MIN: usize = 300;

/// Header lines as they stand in a request, and whether whoever sends them may come in.
struct Form {
    lines: Vec<Vec<u8>>,
    target: String,
    comes_in: bool,
}

/// Ways to write a host and a port that are not the two that count.
fn nearly(name: &str, port: u16) -> Vec<String> {
    let other = if name == "localhost" {
        "127.0.0.1"
    } else {
        "localhost"
    };
    let mut forms: Vec<String> = [
        "",
        "null",
        "*",
        ".",
        ":",
        "@",
        "/",
        "..",
        "eve.example",
        "localhost.eve.example",
        "0.0.0.0",
        "[::]",
    ]
    .iter()
    .flat_map(|host| [(*host).to_owned(), format!("{host}:{port}")])
    .collect();
    let hosts = [
        format!("{name}."),
        format!("{name}.."),
        format!(".{name}"),
        format!("x.{name}"),
        format!("{name}.local"),
        format!("user@{name}"),
        format!("user:word@{name}"),
        format!("{other}@{name}"),
        format!("@{name}"),
        format!("[{name}]"),
        format!("({name})"),
        format!("\"{name}\""),
        format!("'{name}'"),
        format!("{name}%00"),
        format!("%{name}"),
        format!("{name}\\"),
        format!("{name}/"),
        format!("{name}#"),
        format!("{name}?"),
        format!("{name};"),
        format!("{name},"),
        format!("{name}&"),
        format!("{name}_"),
        format!("-{name}"),
        format!("http://{name}"),
        format!("//{name}"),
        format!("{name}{name}"),
    ];
    forms.extend(hosts.iter().map(|host| format!("{host}:{port}")));
    let same_machine = [
        "[::1]",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::1%lo]",
        "::1",
        "127.1",
        "127.0.1",
        "127.0.0.01",
        "127.0.0.1.",
        "127.00.0.1",
        "0177.0.0.1",
        "0x7f.0.0.1",
        "0x7f000001",
        "2130706433",
        "017700000001",
        "127.0.0.2",
        "127.0.0.1.nip.io",
        "ip6-localhost",
        "localhost.localdomain",
        "LOCALHOST",
        "Localhost",
        "localhosT",
        "%6cocalhost",
        "%31%32%37.0.0.1",
        "ｌocalhost",
        "lоcalhost",
        "localhost\u{200b}",
        "localhos\u{74}\u{301}",
        "127。0。0。1",
        "１２７.0.0.1",
        "127.0.0.¹",
        "xn--lcalhost-b5a",
        "xn--localhost",
    ];
    forms.extend(same_machine.iter().map(|host| format!("{host}:{port}")));
    let wrong_ports = [
        String::new(),
        ":".into(),
        format!(":{}", port.wrapping_add(1)),
        format!(":0{port}"),
        format!(":+{port}"),
        format!(":-{port}"),
        format!(":{port}0"),
        format!(":{port}.0"),
        format!(":{port}:{port}"),
        format!("::{port}"),
        format!(":0x{port:x}"),
        format!(": {port}"),
        format!(" :{port}"),
        format!(":{port}/"),
        format!(":{port}?"),
        format!(":{port}#"),
        format!(":{port}@eve.example"),
        format!(":{port}.eve.example"),
        format!(":{port},{other}:{port}"),
        format!(":{port} {other}:{port}"),
        format!(":{}", u32::from(port) + 65_536),
        ":0".into(),
        ":80".into(),
        ":http".into(),
        format!(":{port}\u{0660}"),
        format!(":{port}%20"),
        format!(":{port}\t{other}"),
        format!(":{port};"),
    ];
    forms.extend(wrong_ports.iter().map(|end| format!("{name}{end}")));
    forms.push(format!("{}:{port}", "a".repeat(8_000)));
    forms
}

fn line(name: &str, value: &[u8]) -> Vec<u8> {
    [name.as_bytes(), b": ", value].concat()
}

fn forms(port: u16) -> Vec<Form> {
    let target = "/api/v1/status";
    let (host, origin) = (format!("127.0.0.1:{port}"), format!("http://127.0.0.1:{port}"));
    let hosts = [host.clone(), format!("localhost:{port}")];
    let origins = hosts.clone().map(|host| format!("http://{host}"));
    let mut forms = Vec::new();
    let mut form = |lines: &[(&str, &str)], comes_in: bool| {
        forms.push(Form {
            lines: lines
                .iter()
                .map(|(name, value)| line(name, value.as_bytes()))
                .collect(),
            target: target.to_owned(),
            comes_in,
        });
    };
    for host in &hosts {
        form(&[("Host", host)], true);
        form(&[("hOsT", host)], true);
        form(&[("Host", &format!(" \t{host}\t "))], true);
        for origin in &origins {
            form(&[("Host", host), ("Origin", origin)], true);
            form(&[("Host", host), ("Origin", origin), ("Origin", origin)], true);
            form(&[("Origin", origin)], false);
        }
        form(&[("Host", host), ("Host", host)], false);
        form(&[("Host", host), ("Host", "eve.example")], false);
        form(&[("Host", "eve.example"), ("Host", host)], false);
        form(&[("X-Forwarded-Host", host), ("Host", "eve.example")], false);
    }
    form(&[], false);
    for name in ["127.0.0.1", "localhost"] {
        for wrong in nearly(name, port) {
            form(&[("Host", &wrong)], false);
            form(&[("Host", &wrong), ("Origin", &origin)], false);
            let wrong = format!("http://{wrong}");
            form(&[("Host", &host), ("Origin", &wrong)], false);
        }
        let right = format!("{name}:{port}");
        for scheme in [
            "",
            "https://",
            "HTTP://",
            "Http://",
            "http:/",
            "http:",
            "http:///",
            "http:\\\\",
            "ws://",
            "file://",
            "ftp://",
            "chrome-extension://",
            "blob:http://",
            "view-source:http://",
            "javascript://",
            " http:// ",
            "http://http://",
        ] {
            form(&[("Host", &host), ("Origin", &format!("{scheme}{right}"))], false);
        }
        for end in [
            "/",
            "/x",
            "?",
            "#",
            " null",
            ", null",
            ",",
            ";",
            " http://eve.example",
            ",http://eve.example",
            "\\",
        ] {
            form(
                &[("Host", &host), ("Origin", &format!("http://{right}{end}"))],
                false,
            );
        }
    }
    for wrong in [
        "",
        "null",
        "NULL",
        "undefined",
        "*",
        "about:blank",
        "data:text/html,x",
        "http://",
        "localhost",
        "//",
    ] {
        form(&[("Host", &host), ("Origin", wrong)], false);
        form(&[("Host", &host), ("Origin", &origin), ("Origin", wrong)], false);
        form(&[("Host", &host), ("Origin", wrong), ("Origin", &origin)], false);
    }
    // What is no text at all, and targets that name another place than the headers.
    for byte in [
        0, 1, 8, 0x0b, 0x0c, 0x1b, 0x7f, 0x80, 0xa0, 0xad, 0xc0, 0xfe, 0xff,
    ] {
        for value in [
            [host.as_bytes(), &[byte]].concat(),
            [&[byte], host.as_bytes()].concat(),
        ] {
            let as_origin = [b"http://".as_slice(), &value].concat();
            for lines in [
                vec![line("Host", &value)],
                vec![line("Host", host.as_bytes()), line("Origin", &as_origin)],
            ] {
                forms.push(Form {
                    lines,
                    target: target.to_owned(),
                    comes_in: false,
                });
            }
        }
    }
    for (place, comes_in) in [
        (host.as_str(), true),
        ("eve.example", false),
        ("LOCALHOST", false),
        ("user@127.0.0.1", false),
        ("[::1]", false),
    ] {
        forms.push(Form {
            lines: vec![line("Host", host.as_bytes())],
            target: format!("http://{place}{target}"),
            comes_in,
        });
    }
    forms
}

async fn tries(alice: &Running, form: &Form) -> Answer {
    let token = format!("Authorization: Bearer {}", alice.token);
    let mut bytes = format!("GET {} HTTP/1.1\r\nConnection: close\r\n{token}\r\n", form.target).into_bytes();
    for line in &form.lines {
        bytes.extend_from_slice(line);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"\r\n");
    let exchange = async {
        let mut stream = TcpStream::connect(alice.api.address()).await.unwrap();
        let (mut read, mut write) = stream.split();
        let mut answer = Vec::new();
        let (_, _) = tokio::join!(write.write_all(&bytes), read.read_to_end(&mut answer));
        answer
    };
    let answer = tokio::time::timeout(EXCHANGE, exchange)
        .await
        .expect("an answer in time");
    parsed(&answer)
}

#[tokio::test(flavor = "multi_thread")]
async fn of_all_ways_to_write_host_and_origin_exactly_the_two_of_this_node_come_in() {
    let alice = Running::start().await;
    let forms = forms(alice.api.address().port());
    assert!(forms.len() >= FORMS_MIN, "{} forms", forms.len());
    let mut let_in = 0;
    for form in &forms {
        let answer = tries(&alice, form).await;
        let words: Vec<_> = form
            .lines
            .iter()
            .map(|line| String::from_utf8_lossy(line))
            .collect();
        let words = format!("{} {words:?}", form.target);
        let refused = [400, 403, 421, 431].contains(&answer.status);
        assert_eq!(answer.status == 200, form.comes_in, "{words}: {}", answer.status);
        assert_eq!(refused, !form.comes_in, "{words}: {}", answer.status);
        // Whoever is refused learns nothing, and no page of another origin may read it.
        assert!(form.comes_in || !answer.text().contains("\"author\""), "{words}");
        assert!(answer.header("access-control-allow-origin").is_none(), "{words}");
        let_in += usize::from(form.comes_in);
    }
    println!("{} forms, {let_in} of them let in", forms.len());
}
