//! What `--help` prints.

use super::Config;
use super::settings::SETTINGS;

const HEAD: &str = "\
JsonVault: JSON documents behind the Redis protocol, replicated by Raft.

Usage: server [FILE] [--name value ..] ..

FILE, or --config FILE, or JSONVAULT_CONFIG, is a file of settings in the syntax of redis.conf. Each setting below is a
flag, a key of the file, and a variable: --node-id, node-id, JSONVAULT_NODE_ID. A flag wins over the environment, the
environment over the file. CONFIG SET changes those with a * while the server runs.

";

pub fn text() -> String {
    let defaults = Config::default();
    let mut out = HEAD.to_string();
    for setting in SETTINGS {
        let default = (setting.get)(&defaults);
        let default = if default.is_empty() { default } else { format!(" [{default}]") };
        let mark = if setting.changeable { " *" } else { "" };
        out.push_str(&format!("  --{}{mark}\n        {}{default}\n", setting.name, setting.help));
    }
    out.push_str("  --help, --version\n");
    out
}
