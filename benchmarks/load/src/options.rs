//! The command line.

use std::time::Duration;

use crate::Outcome;
use crate::template::Text;

pub const USAGE: &str = "\
usage: load HOST:PORT [FLAGS] COMMAND WORD..
  --clients 50      connections
  --pipeline 1      requests that are sent together
  --requests 100000 requests in total, rounded up to whole batches
  --seconds 5       end after this time instead
  --rate 5000       requests a second in total: due at fixed times (open load)
  --keys 100000     the numbers that {n} stands for
  --sequential      take the numbers in order, not at random
  --seed 1          of the random numbers
  --etcd            the server is etcd: the command is `put KEY VALUE` or `get KEY`
{n} in a word becomes a number of 12 digits, the same in all words of a request. A word @FILE becomes
the content of the file, in which {n} means the same.";

pub struct Options {
    pub address: String,
    pub clients: usize,
    /// Requests per batch.
    pub pipeline: u64,
    /// Ends a run, unless `time` is given.
    pub requests: u64,
    pub time: Option<Duration>,
    /// Requests a second over all connections; `None` is a closed load.
    pub rate: Option<f64>,
    pub numbers: Numbers,
    pub etcd: bool,
    pub words: Vec<Text>,
}

impl Options {
    /// # Errors
    /// An unknown flag, a value out of its range, a file that cannot be read.
    pub fn parse(words: &[String]) -> Outcome<Options> {
        let [address, rest @ ..] = words else { return Err(USAGE.into()) };
        let mut options = Options {
            address: address.clone(),
            clients: 50,
            pipeline: 1,
            requests: 100_000,
            time: None,
            rate: None,
            numbers: Numbers { keys: 100_000, sequential: false, state: 1 },
            etcd: false,
            words: Vec::new(),
        };
        let mut rest = rest.iter();
        let mut command = None;
        while let Some(flag) = rest.next() {
            if !flag.starts_with("--") {
                command = Some(flag);
                break;
            }
            options.take(flag, &mut rest).map_err(|error| format!("{flag}: {error}"))?;
        }
        let command = command.ok_or("give a command to send; --help lists the flags")?;
        options.words = [command].into_iter().chain(rest).map(|word| read(word)).collect::<Outcome<_>>()?;
        Ok(options)
    }

    fn take<'a>(&mut self, flag: &str, rest: &mut impl Iterator<Item = &'a String>) -> Outcome<()> {
        let mut value = || rest.next().ok_or("a value is missing");
        match flag {
            "--clients" => self.clients = at_least_one(value()?)? as usize,
            "--pipeline" => self.pipeline = at_least_one(value()?)?,
            "--requests" => self.requests = at_least_one(value()?)?,
            "--keys" => self.numbers.keys = at_least_one(value()?)?,
            "--seed" => self.numbers.state = at_least_one(value()?)?,
            "--seconds" => self.time = Some(Duration::from_secs_f64(positive(value()?)?)),
            "--rate" => self.rate = Some(positive(value()?)?),
            "--sequential" => self.numbers.sequential = true,
            "--etcd" => self.etcd = true,
            _ => return Err("unknown flag".into()),
        }
        Ok(())
    }
}

fn at_least_one(text: &str) -> Outcome<u64> {
    match text.parse() {
        Ok(0) => Err("must be at least 1".into()),
        Ok(number) => Ok(number),
        Err(error) => Err(format!("{text}: {error}").into()),
    }
}

fn positive(text: &str) -> Outcome<f64> {
    // The bound keeps a duration and an interval representable.
    match text.parse() {
        Ok(number) if (0.001..1e9).contains(&number) => Ok(number),
        _ => Err(format!("{text} is not a number between 0.001 and 1e9").into()),
    }
}

fn read(word: &str) -> Outcome<Text> {
    match word.strip_prefix('@') {
        Some(path) => {
            let content = std::fs::read(path).map_err(|error| format!("{path}: {error}"))?;
            Ok(Text::new(&content))
        }
        None => Ok(Text::new(word.as_bytes())),
    }
}

/// Chooses the number of each request.
#[derive(Clone)]
pub struct Numbers {
    pub keys: u64,
    pub sequential: bool,
    /// The next number if sequential; else the state of the generator, which is never 0.
    pub state: u64,
}

impl Numbers {
    /// The generator of a run. Sequential numbers begin at 0, whatever the seed.
    pub fn start(&self) -> Numbers {
        let state = if self.sequential { 0 } else { self.state.wrapping_mul(0x9E37_79B9_7F4A_7C15).max(1) };
        Numbers { state, ..self.clone() }
    }

    pub fn next(&mut self) -> u64 {
        if self.sequential {
            let number = self.state % self.keys;
            self.state += 1;
            return number;
        }
        // xorshift64
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state % self.keys
    }
}
