//! `LATENCY LATEST | HISTORY event | RESET [event ..] | GRAPH event | DOCTOR | HISTOGRAM [command
//! ..] | HELP`: shows latency spikes and the latency of commands.

use std::fmt::Write;

use bytes::Bytes;

use crate::command::framework::subcommands;
use crate::command::{Args, Command, Control, Group, KeySpec, Node, Session, Spec, Subcommand};
use crate::command::{CommandHistogram, LatencyEvent};
use crate::error::CommandError;
use crate::resp::Reply;

/// The height of a graph in lines, and its maximum width in samples. A graph shows the newest
/// samples and has to fit into a terminal.
const GRAPH_LINES: u64 = 4;
const GRAPH_SAMPLES_MAX: usize = 80;

pub struct Latency;

impl Command for Latency {
    const SPEC: Spec = Spec {
        name: "LATENCY",
        aliases: &[],
        arity: -2,
        keys: KeySpec::NONE,
        group: Group::Server,
        since: "2.8.13",
        complexity: "That of the subcommand",
        summary: "Shows latency spikes above a threshold, and the latency of commands.",
        syntax: "",
    };
    const SUBCOMMANDS: &'static [Subcommand] = &[
        Subcommand::new(
            "LATEST",
            "",
            "2.8.13",
            "O(1)",
            "Shows the newest and the worst sample of each event.",
        ),
        Subcommand::new(
            "HISTORY",
            "event",
            "2.8.13",
            "O(1)",
            "Lists the samples of an event with their times.",
        ),
        Subcommand::new(
            "RESET",
            "[event ...]",
            "2.8.13",
            "O(1)",
            "Removes the samples of the named events, or of all.",
        ),
        Subcommand::new("GRAPH", "event", "2.8.13", "O(1)", "Draws the samples of an event as text."),
        Subcommand::new("DOCTOR", "", "2.8.13", "O(1)", "Summarizes the samples of each event in words."),
        Subcommand::new(
            "HISTOGRAM",
            "[name ...]",
            "7.0.0",
            "O(N), N: commands named",
            "Counts calls by duration, for some or all commands.",
        ),
        Subcommand::help("2.8.13"),
    ];
}

impl Control for Latency {
    fn run(args: &mut Args<'_>, _session: &mut Session, node: &dyn Node) -> Result<Reply, CommandError> {
        let word = args.word()?;
        match (&word.to_ascii_uppercase()[..], args.left()) {
            (b"LATEST", 0) => Ok(Reply::Array(node.latency_events().iter().map(latest).collect())),
            (b"HISTORY", 1) => Ok(Reply::Array(history(args.word()?, node))),
            (b"RESET", _) => Ok(Reply::Integer(node.forget_latency_events(args.rest()) as i64)),
            (b"GRAPH", 1) => graph(args.word()?, node),
            (b"DOCTOR", 0) => Ok(Reply::Verbatim(diagnosis(node).into())),
            (b"HISTOGRAM", _) => Ok(histograms(args.rest(), node)),
            (b"HELP", 0) => Ok(subcommands::help::<Self>()),
            _ => Err(args.wrong_subcommand(word)),
        }
    }
}

fn event(name: &[u8], node: &dyn Node) -> Option<LatencyEvent> {
    node.latency_events().into_iter().find(|event| event.name.as_bytes() == name)
}

fn pair((seconds, ms): (u64, u64)) -> [Reply; 2] {
    [Reply::Integer(seconds as i64), Reply::Integer(ms as i64)]
}

fn latest(event: &LatencyEvent) -> Reply {
    let newest = *event.samples.last().expect("an event has a sample");
    let [seconds, ms] = pair(newest);
    Reply::Array(vec![Reply::word(event.name), seconds, ms, Reply::Integer(event.worst_ms as i64)])
}

fn history(name: &[u8], node: &dyn Node) -> Vec<Reply> {
    let samples = event(name, node).map_or_else(Vec::new, |event| event.samples);
    samples.into_iter().map(|sample| Reply::Array(pair(sample).into())).collect()
}

/// Draws a column for each of the newest samples. The height of a column is relative to the maximum
/// of the samples shown.
fn graph(name: &[u8], node: &dyn Node) -> Result<Reply, CommandError> {
    let none = || {
        CommandError::new(format!("ERR No samples available for event '{}'", String::from_utf8_lossy(name)))
    };
    let event = event(name, node).ok_or_else(none)?;
    let shown = &event.samples[event.samples.len().saturating_sub(GRAPH_SAMPLES_MAX)..];
    let high = shown.iter().map(|(_, ms)| *ms).max().unwrap_or(0);
    let low = shown.iter().map(|(_, ms)| *ms).min().unwrap_or(0);
    let mut text = format!(
        "{} - high {high} ms, low {low} ms (all time high {} ms)\n{}\n",
        event.name,
        event.worst_ms,
        "-".repeat(GRAPH_SAMPLES_MAX)
    );
    for line in (0..GRAPH_LINES).rev() {
        let mark = |(_, ms): &(u64, u64)| if ms * GRAPH_LINES > high * line { '#' } else { ' ' };
        text.extend(shown.iter().map(mark));
        text.push('\n');
    }
    Ok(Reply::Verbatim(text.into()))
}

fn diagnosis(node: &dyn Node) -> String {
    let threshold = node.latency_threshold_ms();
    if threshold == 0 {
        return "Latency monitoring is disabled: latency-monitor-threshold is 0.\n".to_string();
    }
    let events = node.latency_events();
    if events.is_empty() {
        return format!("No latency spikes of {threshold} ms or more were recorded.\n");
    }
    let mut text = format!("Latency spikes of {threshold} ms or more:\n");
    for event in events {
        let count = event.samples.len() as u64;
        let sum: u64 = event.samples.iter().map(|(_, ms)| ms).sum();
        let (seconds, ms) = event.samples.last().copied().unwrap_or_default();
        writeln!(
            text,
            "{}: {count} samples, {} ms on average, {} ms at most; the latest took {ms} ms at {seconds}",
            event.name,
            sum / count.max(1),
            event.worst_ms,
        )
        .expect("writing to a string cannot fail");
    }
    text
}

fn histograms(names: &[Bytes], node: &dyn Node) -> Reply {
    let wanted = |histogram: &CommandHistogram| {
        // The name of a command also selects its subcommands.
        let container = histogram.command.split('|').next().unwrap_or_default();
        let is = |name: &&Bytes| {
            [histogram.command, container].iter().any(|own| own.as_bytes().eq_ignore_ascii_case(name))
        };
        names.is_empty() || names.iter().any(|name| is(&name))
    };
    let integer = |number: u64| Reply::Integer(number as i64);
    let describe = |histogram: CommandHistogram| {
        let micros = histogram.micros.iter().map(|(most, calls)| (integer(*most), integer(*calls))).collect();
        let fields = vec![
            (Reply::word("calls"), integer(histogram.calls)),
            (Reply::word("histogram_usec"), Reply::Map(micros)),
        ];
        (Reply::bulk(histogram.command), Reply::Map(fields))
    };
    Reply::Map(node.histograms().into_iter().filter(wanted).map(describe).collect())
}
