//! The closed and the open load for etcd, over gRPC. Each client has a connection of its own.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Instant;

use etcd_client::KvClient;
use tokio::task::JoinSet;

use crate::Outcome;
use crate::closed::{Quota, finish};
use crate::open::pace;
use crate::options::{Numbers, Options};
use crate::replies::Kind;
use crate::report::Tally;
use crate::template::Text;

/// A request of the run: `put KEY VALUE` or `get KEY`.
#[derive(Clone)]
struct Request {
    key: Text,
    value: Option<Text>,
}

impl Request {
    fn parse(words: &[Text]) -> Outcome<Request> {
        let command = words.first().map(|word| word.text(0));
        match (command.as_deref(), &words[1..]) {
            (Some(b"put"), [key, value]) => Ok(Request { key: key.clone(), value: Some(value.clone()) }),
            (Some(b"get"), [key]) => Ok(Request { key: key.clone(), value: None }),
            _ => Err("the commands for etcd are `put KEY VALUE` and `get KEY`".into()),
        }
    }

    async fn call(&self, client: &mut KvClient, number: u64) -> (Kind, usize) {
        let key = self.key.text(number);
        let (found, bytes) = match &self.value {
            Some(value) => (client.put(key, value.text(number), None).await.map(|_| true), 0),
            None => {
                let reply = client.get(key, None).await;
                let bytes =
                    reply.as_ref().ok().and_then(|reply| reply.kvs().first()).map(|pair| pair.value().len());
                (reply.map(|_| bytes.is_some()), bytes.unwrap_or(0))
            }
        };
        match found {
            Ok(true) => (Kind::Value, bytes),
            Ok(false) => (Kind::Null, 0),
            Err(error) => (Kind::Error(error.to_string()), 0),
        }
    }
}

struct Run {
    request: Request,
    quota: Quota,
    numbers: RefCell<Numbers>,
    tally: RefCell<Tally>,
}

impl Run {
    async fn call(&self, client: &mut KvClient, number: u64, since: Instant) {
        let (kind, bytes) = self.request.call(client, number).await;
        let tally = &mut *self.tally.borrow_mut();
        tally.reply(kind, since, Instant::now());
        tally.received(bytes);
    }
}

pub async fn run(options: &Options) -> Outcome<Tally> {
    if options.pipeline > 1 {
        return Err("a pipeline is a thing of the Redis protocol".into());
    }
    let mut clients = Vec::new();
    for _ in 0..options.clients {
        // Each call opens a new connection.
        let client = etcd_client::Client::connect([format!("http://{}", options.address)], None).await?;
        clients.push(client.kv_client());
    }
    let begun = Instant::now();
    let run = Rc::new(Run {
        request: Request::parse(&options.words)?,
        quota: Quota::new(options, begun),
        numbers: RefCell::new(options.numbers.start()),
        tally: RefCell::default(),
    });
    let mut tasks = JoinSet::new();
    match options.rate {
        None => clients.into_iter().for_each(|client| drop(tasks.spawn_local(converse(client, run.clone())))),
        Some(rate) => {
            pace(options, rate, |batch, due| {
                let mut client = clients[(batch % clients.len() as u64) as usize].clone();
                let number = run.numbers.borrow_mut().next();
                run.tally.borrow_mut().sent(due, Instant::now());
                let run = run.clone();
                tasks.spawn_local(async move {
                    run.call(&mut client, number, due).await;
                    Ok(())
                });
                Ok(())
            })
            .await?;
        }
    }
    finish(tasks, &run.tally, begun).await
}

async fn converse(mut client: KvClient, run: Rc<Run>) -> std::io::Result<()> {
    loop {
        let now = Instant::now();
        if !run.quota.take(1, now) {
            return Ok(());
        }
        let number = run.numbers.borrow_mut().next();
        run.call(&mut client, number, now).await;
    }
}
