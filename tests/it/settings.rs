//! Tests the settings of a real process: the configuration file, CONFIG SET and REWRITE, and the
//! settings after a restart.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use jsonvault::resp::Value;

use crate::harness::TestNode;
use crate::harness::client::text_of;

/// Writes a configuration file, and returns a node that will be started with it.
fn with_file(text: &str) -> (tempfile::TempDir, PathBuf, TestNode) {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("jsonvault.conf");
    std::fs::write(&file, text).unwrap();
    let node = TestNode::new().with(&["--config", file.to_str().unwrap()]);
    (home, file, node)
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn rewritten_settings_survive_a_restart() {
    let text = "# mine\nmaxclients   100\n\n  timeout 3\n# end\n";
    let (home, file, mut node) = with_file(text);
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
    node.start();
    let mut client = node.client();
    client.ok("CONFIG SET timeout 9000 requirepass 'a \"b\"' notify-keyspace-events KEA");
    client.ok("CONFIG REWRITE");
    let rewritten = read(&file);
    let lines: Vec<&str> = rewritten.lines().collect();
    assert_eq!(lines[..5], ["# mine", "maxclients   100", "", "timeout 9000", "# end"], "{rewritten}");
    for line in ["requirepass \"a \\\"b\\\"\"", "notify-keyspace-events AKE"] {
        assert!(lines.contains(&line), "{rewritten}");
    }
    // Port 0 selects any free port; the rewritten file still has 0.
    assert!(lines.contains(&"port 0"), "{rewritten}");
    assert!(
        !rewritten.contains("raft-address"),
        "raft-address is derived from the port and must not be written: {rewritten}"
    );
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 1, "no temporary file is left");
    node.stop();
    node.log_in_with("a \"b\"");
    node.start();
    let mut client = node.client();
    let value = client.ask("CONFIG GET timeout requirepass notify-keyspace-events");
    let shown: Vec<&[u8]> = value.items().unwrap().iter().map(|item| item.text().unwrap().as_ref()).collect();
    let expected = ["requirepass", "a \"b\"", "timeout", "9000", "notify-keyspace-events", "AKE"];
    assert_eq!(shown, expected.map(str::as_bytes));
    client.ok("CONFIG REWRITE");
    assert_eq!(read(&file), rewritten);
}

#[test]
fn maxclients_is_lowered_to_the_systems_limit_of_open_files() {
    let (_home, file, mut node) = with_file("maxclients 4000000000\n");
    node.start();
    assert!(node.messages().contains("the system does not allow enough open files"), "{}", node.messages());
    let mut client = node.client();
    let value = client.ask("CONFIG GET maxclients");
    let fitted = text_of(&value.items().unwrap()[1]).unwrap();
    assert!(fitted.parse::<u64>().unwrap() < 4_000_000_000);
    let told = client.text("CONFIG SET maxclients 4000000000");
    let reason = "The operating system is not able to handle the specified number of clients";
    assert!(told.ends_with(reason), "{told}");
    client.ok("CONFIG REWRITE");
    assert!(read(&file).starts_with("maxclients 4000000000\n"), "the configured value is kept");
    client.ok(&format!("CONFIG SET maxclients {fitted}"));
    client.ok("CONFIG REWRITE");
    assert!(read(&file).starts_with(&format!("maxclients {fitted}\n")));
}

#[test]
fn a_file_that_cannot_be_rewritten_is_an_error() {
    let told = TestNode::started().client().text("CONFIG REWRITE");
    assert_eq!(told, "ERR The server is running without a config file");
    let (_home, file, mut node) = with_file("timeout 0\n");
    node.start();
    std::fs::remove_file(&file).unwrap();
    let told = node.client().text("CONFIG REWRITE");
    assert!(told.starts_with("ERR Rewriting config file: "), "{told}");
    assert!(!file.exists());
}

#[test]
fn settings_change_together_or_not_at_all() {
    let node = TestNode::started();
    let mut client = node.client();
    let refused = [
        (
            "maxclients 5 timeout x",
            "ERR CONFIG SET failed (possibly related to argument 'timeout') - argument couldn't be parsed into an integer",
        ),
        (
            "maxclients 5 timeuot 1",
            "ERR Unknown option or number of arguments for CONFIG SET - 'timeuot' (the nearest is 'timeout')",
        ),
        (
            "maxclients 5 nosuchthing 1",
            "ERR Unknown option or number of arguments for CONFIG SET - 'nosuchthing'",
        ),
        (
            "maxclients 5 maxclients 6",
            "ERR CONFIG SET failed (possibly related to argument 'maxclients') - duplicate parameter",
        ),
        (
            "maxclients 5 appendonly no",
            "ERR CONFIG SET failed (possibly related to argument 'appendonly') - only 'yes' is supported: every write is in the log before its reply",
        ),
        ("maxclients", "ERR wrong number of arguments for 'config|set' command"),
        ("maxclients 5 timeout", "ERR syntax error"),
    ];
    for (pairs, expected) in refused {
        assert_eq!(client.text(&format!("CONFIG SET {pairs}")), expected);
    }
    let pair = |name: &str, value: &str| {
        Value::Array([name, value].map(|word| Value::Bulk(word.to_owned().into())).to_vec())
    };
    assert_eq!(client.ask("CONFIG GET maxclients"), pair("maxclients", "10000"));
    client.ok("CONFIG SET MaxClients 5 appendonly yes save ''");
    assert_eq!(client.ask("CONFIG GET MAXCLIENT* maxclients"), pair("maxclients", "5"));
}

#[test]
fn a_file_may_be_the_first_argument() {
    let (_home, file, _) = with_file("timeout x\n");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_server")).arg(&file).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    let expected =
        format!("server: {}: line 1: timeout: argument couldn't be parsed into an integer\n", file.display());
    assert_eq!((output.status.code(), told), (Some(1), expected));
}
