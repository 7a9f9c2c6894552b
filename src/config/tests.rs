use std::path::Path;

use super::setting::{Form, find};
use super::*;

fn load(words: &[&str]) -> Result<Config, Fatal> {
    load_with(words, &[])
}

/// Loads a configuration with these environment variables and no others.
fn load_with(words: &[&str], variables: &[(&str, &str)]) -> Result<Config, Fatal> {
    let variable = |name: &str| {
        variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_string())
    };
    Config::resolve(source::flags(words.iter().map(OsString::from))?, &variable)
}

fn file(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::io::Write::write_all(&mut file.as_file(), text.as_bytes()).unwrap();
    file
}

fn path(file: &tempfile::NamedTempFile) -> &str {
    file.path().to_str().unwrap()
}

/// The error when a file with this text is loaded.
fn error_of(text: &str) -> String {
    let file = file(text);
    let error = load(&[path(&file)]).unwrap_err().to_string();
    error.replace(path(&file), "FILE")
}

#[test]
fn the_raft_port_follows_the_client_port() {
    let config = load(&["--address", "127.0.0.1:8080"]).unwrap();
    assert_eq!(config.raft_address().unwrap(), "127.0.0.1:18080");
    assert_eq!(load(&["--bind", "::1", "--port", "1"]).unwrap().raft_address().unwrap(), "[::1]:10001");
    assert!(load(&["--address", "127.0.0.1:60000"]).is_err());
    assert!(load(&["--address", "nowhere"]).is_err());
}

#[test]
fn a_request_is_at_most_as_large_as_can_be_replicated() {
    let error = load(&["--client-query-buffer-limit", "1073741825"]).unwrap_err().to_string();
    assert!(error.ends_with("argument must be between 1048576 and 1073741824 inclusive"), "{error}");
    let error = load(&["--client-query-buffer-limit", "512mb"]).unwrap_err().to_string();
    assert_eq!(error, "proto-max-bulk-len: must be below client-query-buffer-limit");
}

#[test]
fn a_flag_precedes_the_environment_and_that_the_file() {
    let file = file("# a comment\nnode-id 7\n\nmaxclients 12\ntimeout 5\n");
    let variables = [("JSONVAULT_MAXCLIENTS", "23"), ("JSONVAULT_TIMEOUT", "6")];
    for words in [["--config", path(&file)].as_slice(), &[path(&file)]] {
        let config = load_with(&[words, &["--maxclients", "34"]].concat(), &variables).unwrap();
        assert_eq!((config.node_id, config.timeout, config.maxclients), (7, 6, 34));
        assert_eq!(config.address, "127.0.0.1:6379");
        assert_eq!(config.config.as_deref(), Some(file.path()));
    }
    let named = load_with(&[], &[("JSONVAULT_CONFIG", path(&file))]).unwrap();
    assert_eq!(named.maxclients, 12);
    // In a container, the environment may set the address while a flag changes only the port.
    let variables = [("JSONVAULT_ADDRESS", "0.0.0.0:6379")];
    assert_eq!(load_with(&["--port", "7000"], &variables).unwrap().address, "0.0.0.0:7000");
}

#[test]
fn a_file_is_read_as_redis_reads_it() {
    let inner = file("timeout 9\nmaxclients 3\n");
    let outer = file(
        &("  # comment\nBIND 127.0.0.1 -::1\nport \"7000\"\n".to_string()
            + &format!("include {}\nmaxclients 4\n", path(&inner))
            + "dir 'a b'\nrequirepass \"a\\x20\\\"b\"\nsave \"\"\n"
            + "proto-max-bulk-len 1mb\nclient-query-buffer-limit 500m\n"
            + "client-output-buffer-limit normal 1mb 0 0\nclient-output-buffer-limit pubsub 1k 1kb 1\n"),
    );
    let config = load(&[path(&outer)]).unwrap();
    assert_eq!(config.bind_addrs().len(), 2);
    assert_eq!((config.address.as_str(), config.timeout, config.maxclients), ("127.0.0.1:7000", 9, 4));
    assert_eq!((config.dir.as_path(), config.requirepass.text()), (Path::new("a b"), "a \"b"));
    assert_eq!((config.proto_max_bulk_len, config.client_query_buffer_limit), (1 << 20, 500_000_000));
    let limits = config.client_output_buffer_limit;
    assert_eq!(
        (limits.normal.hard_bytes, limits.pubsub.hard_bytes, config.limits().output_bytes_max),
        (1 << 20, 1000, 1 << 20)
    );
}

#[test]
fn an_error_in_a_file_names_its_line() {
    assert_eq!(
        error_of("node-id 7\n\nmaxclients many\n"),
        "FILE: line 3: maxclients: argument couldn't be parsed into an integer"
    );
    assert_eq!(error_of("maxclients 7 8\n"), "FILE: line 1: maxclients: wrong number of arguments");
    assert_eq!(error_of("maxclients 7 # so many\n"), "FILE: line 1: maxclients: wrong number of arguments");
    assert_eq!(error_of("port\n"), "FILE: line 1: port: wrong number of arguments");
    assert_eq!(error_of("dir \"x\n"), "FILE: line 1: unbalanced quotes");
    assert_eq!(
        error_of("max-clients 7\n"),
        "FILE: line 1: unknown setting \"max-clients\"; the nearest is \"maxclients\""
    );
    assert_eq!(error_of("daemonize yes\n"), "FILE: line 1: unknown setting \"daemonize\"");
    assert!(error_of("include /nosuch\n").starts_with("FILE: line 1: include: /nosuch: "));
    let file = file("maxclients many\n");
    // The flag wins, so the invalid line in the file does not matter.
    assert_eq!(load(&[path(&file), "--maxclients", "3"]).unwrap().maxclients, 3);
}

#[test]
fn a_file_that_includes_itself_is_refused() {
    let file = file("");
    let line = format!("include {}\n", path(&file));
    std::io::Write::write_all(&mut file.as_file(), line.as_bytes()).unwrap();
    let error = load(&[path(&file)]).unwrap_err().to_string();
    assert!(error.ends_with("include: nested too deeply, or a file includes itself"), "{error}");
}

#[test]
fn an_error_on_the_command_line_names_its_flag() {
    let error = |words: &[&str]| load(words).unwrap_err().to_string();
    let nearest = "unknown setting \"max-clients\"; the nearest is \"maxclients\"";
    assert_eq!(error(&["--max-clients", "7"]), format!("--max-clients: {nearest}"));
    assert_eq!(error(&["--port", "x"]), "--port: argument couldn't be parsed into an integer");
    assert_eq!(error(&["--port"]), "--port: wrong number of arguments");
    assert_eq!(error(&["a", "b"]), "\"b\": a second config file");
    assert_eq!(load(&["--port=7"]).unwrap().address, "127.0.0.1:7");
    let error = load_with(&[], &[("JSONVAULT_PORT", "x")]).unwrap_err().to_string();
    assert_eq!(error, "JSONVAULT_PORT: argument couldn't be parsed into an integer");
}

#[test]
fn facts_accept_their_value_alone() {
    let facts = [
        "--appendonly",
        "yes",
        "--appendfsync",
        "always",
        "--save",
        "",
        "--databases",
        "1",
        "--maxmemory",
        "0",
    ];
    assert!(load(&facts).is_ok());
    for (name, value) in
        [("appendonly", "no"), ("appendfsync", "everysec"), ("save", "900 1"), ("databases", "16")]
    {
        let error = load(&[&format!("--{name}"), value]).unwrap_err().to_string();
        assert!(error.starts_with(&format!("--{name}: only '")), "{error}");
    }
}

#[test]
fn redirects_need_the_commands_of_redis_cluster() {
    assert!(!load(&[]).unwrap().cluster_enabled);
    let config = load(&["--cluster-enabled", "yes", "--redirect-mode", "moved"]).unwrap();
    let shown: Vec<(String, String)> = config.entries();
    assert!(shown.contains(&("cluster-enabled".to_string(), "yes".to_string())));
    assert!(shown.contains(&("redirect-mode".to_string(), "moved".to_string())));
    assert!(load(&["--redirect-mode", "moved"]).unwrap_err().to_string().contains("cluster-enabled"));
}

#[test]
fn announced_addresses_are_completed_with_the_bound_ones() {
    let at =
        |words: &[&str]| load(words).unwrap().advertised().unwrap().map(|advertised| advertised.to_string());
    assert_eq!(at(&[]), None);
    let announced = at(&["--cluster-announce-ip", "10.0.0.7", "--port", "7000"]);
    assert_eq!(announced.as_deref(), Some("10.0.0.7:7000@10.0.0.7:17000"));
    let ports = ["--cluster-announce-port", "1", "--cluster-announce-bus-port", "2"];
    assert_eq!(at(&ports).as_deref(), Some("127.0.0.1:1@127.0.0.1:2"));
    assert!(
        load(&["--cluster-announce-ip", "a", "--port", "0"]).is_err(),
        "a port that is not known yet is not announced"
    );
}

#[test]
fn several_settings_change_together_or_not_at_all() {
    let config = load(&[]).unwrap();
    let change = |pairs: &[(&str, &str)]| {
        let pairs: Vec<(String, String)> =
            pairs.iter().map(|(name, value)| ((*name).to_string(), (*value).to_string())).collect();
        config.changed(&pairs)
    };
    let changed = change(&[("TIMEOUT", "7"), ("maxclients", "8")]).unwrap();
    assert_eq!((changed.timeout, changed.maxclients), (7, 8));
    // The first value is valid only together with the second.
    assert!(change(&[("client-query-buffer-limit", "2mb"), ("proto-max-bulk-len", "1mb")]).is_ok());
    let failed = |pairs: &[(&str, &str)]| match change(pairs).unwrap_err() {
        SettingRefused::Failed { name, reason } => (name, reason),
        other => panic!("{other:?}"),
    };
    assert_eq!(failed(&[("timeout", "1"), ("dir", "x")]).1, "can't set immutable config");
    assert_eq!(failed(&[("timeout", "1"), ("Timeout", "2")]), ("timeout", "duplicate parameter".to_string()));
    assert_eq!(failed(&[("timeout", "1"), ("maxclients", "x")]).0, "maxclients");
    assert_eq!(failed(&[("client-query-buffer-limit", "2mb")]).0, "proto-max-bulk-len");
    let unknown = SettingRefused::Unknown { name: "max-clients".to_string(), nearest: Some("maxclients") };
    assert_eq!(change(&[("timeout", "x"), ("max-clients", "1")]).unwrap_err(), unknown);
}

#[test]
fn a_node_joins_with_masterauth_or_its_own_password() {
    assert_eq!(load(&[]).unwrap().join_password(), None);
    assert_eq!(load(&["--requirepass", "a"]).unwrap().join_password(), Some("a"));
    assert_eq!(load(&["--requirepass", "a", "--masterauth", "b"]).unwrap().join_password(), Some("b"));
}

#[test]
fn every_setting_parses_what_it_displays() {
    let config =
        load(&["--peers", "1=a:1@2", "--advertise", "a:1@2", "--notify-keyspace-events", "KEA"]).unwrap();
    for setting in SETTINGS {
        let shown = (setting.get)(&config);
        let mut again = config.clone();
        (setting.set)(&mut again, &shown).unwrap_or_else(|error| panic!("{} {shown}: {error}", setting.name));
        assert_eq!((setting.get)(&again), shown, "{}", setting.name);
        assert!(
            std::ptr::eq(find(&setting.name.to_uppercase()).unwrap(), setting),
            "{} is in the table once",
            setting.name
        );
        assert!(setting.variable().starts_with("JSONVAULT_") && !setting.variable().contains('-'));
        assert!(setting.form == Form::One || !setting.name.is_empty());
        assert!(source::help().contains(&format!("--{}", setting.name)));
    }
}
