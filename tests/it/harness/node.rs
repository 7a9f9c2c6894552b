//! A node of a test: its directory, its settings, and its process while it is running.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};

use tempfile::TempDir;

use super::Client;
use super::wait::until;

const READY: &str = "ready to accept connections address=";

/// A node. Its process is ended on drop.
pub struct TestNode {
    dir: PathBuf,
    flags: Vec<String>,
    /// The environment variables for the process.
    env: Vec<(&'static str, PathBuf)>,
    /// The password with which clients authenticate.
    password: Option<String>,
    process: Option<Process>,
    /// Declared last, so that the directory is removed after the process has ended.
    _home: Option<TempDir>,
}

/// The result of a process that has ended.
pub struct Ended {
    pub status: ExitStatus,
    /// The process's output on standard error.
    pub messages: String,
}

impl TestNode {
    /// A node with a new directory; it is not started.
    pub fn new() -> TestNode {
        let home = tempfile::tempdir().unwrap();
        TestNode { _home: Some(home), ..TestNode::in_dir(Path::new("")) }.moved()
    }

    /// A node with the caller's directory; it is not started.
    pub fn in_dir(dir: &Path) -> TestNode {
        TestNode {
            dir: dir.to_owned(),
            flags: Vec::new(),
            env: Vec::new(),
            password: None,
            process: None,
            _home: None,
        }
    }

    fn moved(mut self) -> TestNode {
        self.dir = self._home.as_ref().map(|home| home.path().join("data")).unwrap_or_default();
        self
    }

    /// The same node with another directory; it is not started.
    pub fn moved_to(&self, dir: &Path) -> TestNode {
        assert!(self.process.is_none(), "a node is moved before it runs");
        TestNode { flags: self.flags.clone(), ..TestNode::in_dir(dir) }
    }

    /// A running node with a new directory.
    pub fn started() -> TestNode {
        let mut node = TestNode::new();
        node.start();
        node
    }

    /// Adds flags with their values to the command line. If a flag is already there, its value is
    /// replaced.
    pub fn with(mut self, flags: &[&str]) -> TestNode {
        self.set(flags);
        self
    }

    /// Like [`TestNode::with`], for a node that exists already.
    pub fn set(&mut self, flags: &[&str]) {
        for pair in flags.chunks(2) {
            let place = self.flags.iter().position(|flag| flag == pair[0]).unwrap_or(self.flags.len());
            self.flags
                .splice(place..self.flags.len().min(place + 2), pair.iter().map(|word| (*word).to_owned()));
        }
    }

    /// Sets an environment variable of the process for the next start.
    pub fn set_env(&mut self, name: &'static str, value: &Path) {
        self.env.retain(|(known, _)| *known != name);
        self.env.push((name, value.to_owned()));
    }

    /// From now on, clients authenticate with this password.
    pub fn log_in_with(&mut self, password: &str) {
        self.password = Some(password.to_owned());
    }

    fn connect(&self, address: &str) -> std::io::Result<Client> {
        let mut client = Client::try_connect(address)?;
        if let Some(password) = &self.password {
            client.send(&["AUTH", password])?;
            client.receive()?;
        }
        Ok(client)
    }

    /// Whether the node is configured as a member of a cluster of several. Such a node counts as
    /// ready as soon as it accepts connections.
    fn is_one_of_several(&self) -> bool {
        let given = |name: &str| self.flags.chunks(2).any(|flag| flag[0] == name && !flag[1].is_empty());
        given("--peers") || given("--join")
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The paths of the log's segments, in order.
    pub fn segments(&self) -> Vec<PathBuf> {
        files(&self.dir.join("group-0/log"), "log")
    }

    /// The paths of the snapshots, oldest first.
    pub fn snapshots(&self) -> Vec<PathBuf> {
        files(&self.dir.join("group-0/snapshots"), "snap")
    }

    /// Removes the directory, as if the disk had been lost.
    pub fn wipe(&self) {
        assert!(!self.is_running(), "the node is not running while its disk is removed");
        std::fs::remove_dir_all(&self.dir).unwrap();
    }

    /// Removes the log and the snapshots.
    pub fn wipe_group(&self) {
        assert!(!self.is_running(), "the node is not running while its files are removed");
        std::fs::remove_dir_all(self.dir.join("group-0")).unwrap();
    }

    /// Makes a copy of the directory.
    pub fn copy_dir(&self) {
        assert!(!self.is_running(), "the node is not running while its directory is copied");
        copy_dir(&self.dir, &self.dir.with_extension("copy"));
    }

    /// Replaces the directory by the copy made with [`TestNode::copy_dir`].
    pub fn put_copy_back(&self) {
        self.wipe();
        copy_dir(&self.dir.with_extension("copy"), &self.dir);
    }

    /// Starts the process and waits until it serves.
    ///
    /// # Panics
    /// If the process ends instead.
    pub fn start(&mut self) {
        if let Err(ended) = self.try_start() {
            panic!("the server ended with {}:\n{}", ended.status, ended.messages);
        }
    }

    /// Starts the process and waits until it serves clients. Returns an error if the process ends
    /// before that.
    pub fn try_start(&mut self) -> Result<(), Ended> {
        self.start_without_waiting();
        let mut process = self.process.take().expect("the process was just started");
        let ready = until("the server to be ready or to end", || match process.address() {
            Some(address) => Some(Some(address)),
            None => process.has_ended().then_some(None),
        });
        let Some(address) = ready else { return Err(process.ended()) };
        process.address.clone_from(&address);
        if self.is_one_of_several() {
            self.process = Some(process);
            return Ok(());
        }
        // Clients can connect before the log is applied, but get `LOADING` until then.
        let loaded = until("the log to be applied", || {
            if process.has_ended() {
                return Some(false);
            }
            let mut client = self.connect(&address).ok()?;
            // A single node has to become the leader; a member of several may follow.
            let (leads, leader) = (client.info_number("is_leader") == 1, client.info_number("leader_id"));
            let led = leads || (leader >= 0 && leader != client.info_number("node_id"));
            (client.info("loading").as_deref() == Some("0") && led).then_some(true)
        });
        if !loaded {
            return Err(process.ended());
        }
        self.process = Some(process);
        Ok(())
    }

    /// Starts the process without waiting until it serves clients.
    pub fn start_without_waiting(&mut self) {
        assert!(self.process.is_none(), "a node has one process at a time");
        self.process = Some(Process::spawn(&self.dir, &self.flags, &self.env));
    }

    fn process(&self) -> &Process {
        self.process.as_ref().expect("the node runs")
    }

    pub fn is_running(&self) -> bool {
        self.process.is_some()
    }

    pub fn address(&self) -> &str {
        &self.process().address
    }

    pub fn pid(&self) -> u32 {
        self.process().child.id()
    }

    pub fn client(&self) -> Client {
        self.connect(self.address()).unwrap()
    }

    /// A client that does not authenticate.
    pub fn unauthenticated_client(&self) -> Client {
        Client::connect(self.address())
    }

    /// The running process's output on standard error so far.
    pub fn messages(&self) -> String {
        self.process().messages()
    }

    /// Kills the process with SIGKILL, as a crash would.
    pub fn kill(&mut self) {
        self.process.take().expect("the node runs").ended();
    }

    pub fn kill_and_restart(&mut self) {
        self.kill();
        self.start();
    }

    /// Sends the process the signal `TERM` or `INT`.
    pub fn signal(&self, name: &str) {
        let command = format!("kill -s {name} {}", self.pid());
        assert!(Command::new("sh").args(["-c", &command]).status().unwrap().success(), "{command}");
    }

    /// Waits until the process has ended.
    pub fn wait_for_end(&mut self) -> Ended {
        let mut process = self.process.take().expect("the node runs");
        until("the server to end", || process.has_ended().then_some(()));
        process.ended()
    }

    /// Stops the process with SIGTERM, and checks that it stopped without an error.
    pub fn stop(&mut self) {
        self.signal("TERM");
        let ended = self.wait_for_end();
        assert_eq!(ended.status.code(), Some(0), "{}", ended.messages);
    }

    /// The resident memory, in bytes.
    pub fn resident_bytes(&self) -> u64 {
        let statm = std::fs::read_to_string(format!("/proc/{}/statm", self.pid())).unwrap();
        let pages: u64 = statm.split(' ').nth(1).unwrap().parse().unwrap();
        pages * 4096
    }
}

fn files(dir: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|found| found == extension)).collect();
    found.sort();
    found
}

/// A child process that is killed on drop.
struct Process {
    child: Child,
    address: String,
    lines: Arc<Mutex<Vec<String>>>,
    reader: Option<std::thread::JoinHandle<()>>,
}

impl Process {
    fn spawn(dir: &Path, flags: &[String], env: &[(&'static str, PathBuf)]) -> Process {
        let mut command = Command::new(env!("CARGO_BIN_EXE_server"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("JSONVAULT_")) {
            command.env_remove(name);
        }
        command.envs(env.iter().map(|(name, value)| (name, value)));
        if !flags.iter().any(|flag| flag == "--address") {
            command.args(["--address", "127.0.0.1:0"]);
        }
        command.arg("--dir").arg(dir).args(flags);
        let mut child = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let (stderr, seen) = (child.stderr.take().unwrap(), lines.clone());
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                seen.lock().unwrap().push(without_colours(&line));
            }
        });
        Process { child, address: String::new(), lines, reader: Some(reader) }
    }

    fn address(&self) -> Option<String> {
        let lines = self.lines.lock().unwrap();
        lines.iter().find_map(|line| Some(line.split_once(READY)?.1.trim().to_owned()))
    }

    fn messages(&self) -> String {
        self.lines.lock().unwrap().join("\n")
    }

    fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Ends the process if it is still running, and returns its output.
    fn ended(mut self) -> Ended {
        let status = self.end();
        Ended { status, messages: self.messages() }
    }

    fn end(&mut self) -> ExitStatus {
        let _ = self.child.kill();
        let status = self.child.wait().unwrap();
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        status
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
        if std::thread::panicking() {
            // Shows the node's log if the test fails.
            println!("--- {} said:\n{}", self.address, self.messages());
        }
    }
}

/// Removes the escape sequences of a terminal from a line.
fn without_colours(line: &str) -> String {
    let mut plain = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('\x1b') {
        plain.push_str(before);
        rest = after.split_once('m').map_or("", |(_, rest)| rest);
    }
    plain + rest
}

pub fn copy_dir(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy_dir(&entry.path(), &target),
            false => drop(std::fs::copy(entry.path(), target).unwrap()),
        }
    }
}
