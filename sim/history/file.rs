//! Histories as files: one JSON object a line. Any harness may write this form;
//! [`crate::checkers::check`] judges what was read from it.
//!
//!     {"type":"invoke","order":1,"ms":40,"starts":3,"event":0,"client":2,"node":1,"key":0,"operation":{"Append":7}}
//!     {"type":"ok","order":2,"ms":43,"starts":3,"event":0,"outcome":{"Appended":1}}
//!     {"type":"deliver","order":3,"node":2,"boot":1,"number":9}
//!
//! `type` is `invoke`, `ok`, `error` (certainly not applied), `uncertain` or `deliver`. `order`
//! ascends from line to line; `ms` is the time since the start, `starts` how often any node had
//! been started.

use serde::{Deserialize, Serialize};

use super::{Delivery, Event, History, Moment, Operation, Outcome};

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Line {
    Invoke {
        order: u64,
        ms: u64,
        starts: u64,
        event: usize,
        client: usize,
        node: usize,
        key: usize,
        operation: Operation,
    },
    Ok(Completion),
    Error(Completion),
    Uncertain(Completion),
    Deliver {
        order: u64,
        node: usize,
        boot: u64,
        number: u64,
    },
}

#[derive(Debug, Serialize, Deserialize)]
struct Completion {
    order: u64,
    ms: u64,
    starts: u64,
    event: usize,
    outcome: Outcome,
}

impl History {
    /// The lines of the file.
    pub fn to_jsonl(&self) -> String {
        let mut lines: Vec<(u64, Line)> = Vec::new();
        for (number, event) in self.events.iter().enumerate() {
            let Moment { now_ms: ms, starts } = event.moments[0];
            let (order, operation) = (event.invoked, event.operation.clone());
            let (client, node, key) = (event.client, event.host + 1, event.key);
            let invoke = Line::Invoke { order, ms, starts, event: number, client, node, key, operation };
            lines.push((order, invoke));
            if let Some((order, outcome)) = event.completed.clone() {
                let Moment { now_ms: ms, starts } = event.moments[1];
                let completion = Completion { order, ms, starts, event: number, outcome };
                let line = match &completion.outcome {
                    Outcome::Refused(_) => Line::Error(completion),
                    Outcome::Unknown(_) => Line::Uncertain(completion),
                    _ => Line::Ok(completion),
                };
                lines.push((order, line));
            }
        }
        lines.extend(self.deliveries.iter().map(|&Delivery { order, host, boot, number }| {
            (order, Line::Deliver { order, node: host + 1, boot, number })
        }));
        lines.sort_by_key(|(order, _)| *order);
        let text = |(_, line): &(u64, Line)| serde_json::to_string(line).expect("a line is JSON");
        lines.iter().map(text).map(|line| line + "\n").collect()
    }

    /// Reads what [`History::to_jsonl`] wrote.
    ///
    /// # Errors
    /// The number of the first line that does not belong to a history, and why.
    pub fn from_jsonl(text: &str) -> Result<History, String> {
        let mut history = History::default();
        for (at, line) in text.lines().enumerate() {
            let line = serde_json::from_str(line).map_err(|error| error.to_string());
            let taken = line.and_then(|line| history.take(line));
            taken.map_err(|reason| format!("line {}: {reason}", at + 1))?;
        }
        Ok(history)
    }

    fn take(&mut self, line: Line) -> Result<(), String> {
        let order = match line {
            Line::Invoke { order, ms, starts, event, client, node, key, operation } => {
                if event != self.events.len() {
                    return Err(format!("event {event} is invoked after {} others", self.events.len()));
                }
                let host = node.checked_sub(1).ok_or("nodes are counted from 1")?;
                let moments = [Moment { now_ms: ms, starts }; 2];
                let invoked = order;
                let event = Event { client, host, key, operation, invoked, completed: None, moments };
                self.events.push(event);
                order
            }
            Line::Ok(done) | Line::Error(done) | Line::Uncertain(done) => {
                let event = self.events.get_mut(done.event).ok_or("it completes what was not invoked")?;
                if event.completed.is_some() {
                    return Err(format!("event {} completes twice", done.event));
                }
                event.completed = Some((done.order, done.outcome));
                event.moments[1] = Moment { now_ms: done.ms, starts: done.starts };
                done.order
            }
            Line::Deliver { order, node, boot, number } => {
                let host = node.checked_sub(1).ok_or("nodes are counted from 1")?;
                self.deliveries.push(Delivery { order, host, boot, number });
                order
            }
        };
        if order <= self.clock {
            return Err(format!("its order is {order}, after {}", self.clock));
        }
        self.clock = order;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_reads_back() {
        let mut history = History::default();
        history.is_now(Moment { now_ms: 5, starts: 3 });
        let first = history.invoke(1, 0, 2, Operation::Append(9));
        let second = history.invoke(2, 1, 2, Operation::Read);
        history.deliver(2, 1, 4);
        history.complete(first, Outcome::Appended(1));
        history.complete(second, Outcome::Unknown("the node crashed".to_string()));
        history.invoke(1, 0, 2, Operation::Transact(vec![super::super::Step { key: 1, append: None }]));
        let text = history.to_jsonl();
        let read = History::from_jsonl(&text).expect("a written history can be read");
        assert_eq!(
            (read.events.as_slice(), &read.deliveries),
            (history.events.as_slice(), &history.deliveries)
        );
        assert_eq!(read.to_jsonl(), text);
    }

    #[test]
    fn what_is_no_history_is_refused() {
        let invoke = r#"{"type":"invoke","order":1,"ms":0,"starts":0,"event":0,"client":0,"node":1,"key":0,"operation":"Read"}"#;
        let done = r#"{"type":"ok","order":2,"ms":0,"starts":0,"event":0,"outcome":"Done"}"#;
        assert!(History::from_jsonl(&format!("{invoke}\n{done}\n")).is_ok());
        for wrong in
            [format!("{done}\n"), format!("{invoke}\n{invoke}\n"), format!("{invoke}\n{done}\n{done}\n")]
        {
            assert!(History::from_jsonl(&wrong).is_err(), "{wrong}");
        }
    }
}
