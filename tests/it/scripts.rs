//! Scenarios as text: `tests/it/scripts/*`, each played on a node of its own.
//!
//! A script is commands, `---`, and what they answer; `UPDATE_GOLDENFILES=1 cargo nextest run scripts` writes the
//! answers, to be read before they are committed. The node's own commands:
//!
//! | command | |
//! |---|---|
//! | `start [flag=value ..]` | starts the node, the first time or again, with these flags from then on |
//! | `kill`, `stop` | SIGKILL; SIGTERM, with the exit code |
//! | `fails [flag=value ..]` | a start that must not succeed: the last line of its messages, the directory as DIR |
//! | `wait field=value` | until INFO has this value |
//! | `info field ..` | fields of INFO |
//! | `reconnect` | a new connection |
//!
//! A line that begins with `> ` is sent to the server as it stands.

use std::error::Error;
use std::path::Path;

use goldenscript::Argument;

use crate::harness::client::show;
use crate::harness::wait::until;
use crate::harness::{Client, TestNode};

const DIRECTORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/scripts");

struct Scenario {
    node: TestNode,
    client: Option<Client>,
}

type Outcome = Result<String, Box<dyn Error>>;

impl Scenario {
    fn new() -> Scenario {
        Scenario { node: TestNode::new(), client: None }
    }

    fn client(&mut self) -> &mut Client {
        assert!(self.node.is_running(), "start comes first");
        self.client.get_or_insert_with(|| self.node.client())
    }

    fn flags(&mut self, command: &goldenscript::Command) {
        let given = command.args.iter().flat_map(|argument| match argument {
            Argument::KeyValue(flag, value) => [format!("--{flag}"), value.clone()],
            other => panic!("{other} is not flag=value"),
        });
        let given: Vec<String> = given.collect();
        let words: Vec<&str> = given.iter().map(String::as_str).collect();
        let node = std::mem::replace(&mut self.node, TestNode::new());
        self.node = node.with(&words);
    }

    fn info(&mut self, command: &goldenscript::Command) -> Outcome {
        let client = self.client();
        let line = |field: &Argument| {
            let field = field.to_string();
            format!("{field}: {}\n", client.info(&field).unwrap_or_else(|| "(missing)".to_owned()))
        };
        Ok(command.args.iter().map(line).collect())
    }

    fn wait(&mut self, command: &goldenscript::Command) -> Outcome {
        let client = self.client();
        for argument in &command.args {
            let Argument::KeyValue(field, value) = argument else { return Err("field=value".into()) };
            until(&format!("{field}:{value}"), || (client.info(field).as_ref() == Some(value)).then_some(()));
        }
        Ok(String::new())
    }

    fn fails(&mut self, command: &goldenscript::Command) -> Outcome {
        self.flags(command);
        let ended = self.node.try_start().err().ok_or("the node started")?;
        let last = ended.messages.lines().last().unwrap_or_default();
        let code = ended.status.code().ok_or("killed")?;
        Ok(format!("{}\nexit code {code}\n", last.replace(&self.node.dir().display().to_string(), "DIR")))
    }

    /// A request as it stands behind the `>`.
    fn send(&mut self, line: &str) -> Outcome {
        Ok(show(&self.client().ask(line)) + "\n")
    }
}

impl goldenscript::Runner for Scenario {
    type Command = goldenscript::Command;

    fn run(&mut self, command: &goldenscript::Command, _context: &goldenscript::Context) -> Outcome {
        match command.name.as_str() {
            "start" => {
                self.flags(command);
                self.node.start();
                Ok(String::new())
            }
            "kill" => {
                self.client = None;
                self.node.kill();
                Ok(String::new())
            }
            "stop" => {
                self.client = None;
                self.node.signal("TERM");
                let status = self.node.wait_for_end().status;
                Ok(format!("exit code {}\n", status.code().ok_or("killed")?))
            }
            "fails" => self.fails(command),
            "wait" => self.wait(command),
            "info" => self.info(command),
            "reconnect" => {
                self.client = None;
                Ok(String::new())
            }
            request => self.send(request),
        }
    }
}

fn play(name: &str) {
    goldenscript::run(&mut Scenario::new(), Path::new(DIRECTORY).join(name)).unwrap();
}

macro_rules! scripts {
    ($($name:ident)*) => {
        const NAMES: &[&str] = &[$(stringify!($name)),*];

        $(#[test]
        fn $name() {
            play(stringify!($name));
        })*
    };
}

scripts! {
    an_acknowledged_write_survives_a_kill
    a_clean_stop_keeps_everything
    a_directory_belongs_to_one_node
    a_snapshot_and_the_log_after_it_are_read_again
    documents_over_their_limit_are_refused
    settings_can_be_read_and_some_changed
}

#[test]
fn every_script_is_played() {
    let mut files: Vec<String> = std::fs::read_dir(DIRECTORY)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    let mut names = NAMES.to_vec();
    names.sort_unstable();
    assert_eq!(files, names);
}
