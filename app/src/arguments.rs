// SPDX-License-Identifier: Apache-2.0
//! The command line.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, OffsetDateTime};

/// AWS Lambda on your own machines.
///
/// Start a server, then talk to it with the AWS CLI or any AWS SDK:
///
///   tinderbox serve
///   aws --endpoint-url http://127.0.0.1:4566 lambda list-functions
///
/// While the server listens on this machine alone, the access key `test` with the secret `test` is the root of account
/// 000000000000.
#[derive(Debug, Parser)]
#[command(name = "tinderbox", version, max_term_width = 100, verbatim_doc_comment)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the server.
    Serve(Settings),
    /// Say what this machine can do for sandboxes, and how to get what is missing.
    Doctor,
    /// List the managed runtimes of this machine, or install the AWS SDKs that functions may import.
    Runtimes {
        #[command(subcommand)]
        command: Option<RuntimesCommand>,
        #[command(flatten)]
        settings: Settings,
    },
    /// Print what a function logged.
    Logs {
        /// The function's name.
        function: String,
        /// Go on as it logs more, until interrupted.
        #[arg(short, long)]
        follow: bool,
        #[command(flatten)]
        settings: Settings,
    },
    /// Show what waits of asynchronous invocations, by function, or do something with it. Asks the server that runs.
    Queue {
        #[command(subcommand)]
        command: Option<QueueCommand>,
        #[command(flatten)]
        settings: Settings,
    },
    /// Watch what flows between clients, queues, topics, functions and all else. Asks the server that runs.
    Events {
        #[command(subcommand)]
        command: EventsCommand,
    },
    /// Show the recorded invocations of functions with the tag `tinderbox:record`. Asks the server that runs.
    Record {
        #[command(subcommand)]
        command: RecordCommand,
    },
    /// Invoke a function again with a recorded event, on any version. Asks the server that runs.
    Replay {
        #[command(flatten)]
        which: Rerun,
        #[command(flatten)]
        settings: Settings,
    },
    /// Sum up what functions used: requests, billed milliseconds, gigabyte-seconds. Asks the server that runs.
    Usage {
        #[command(flatten)]
        which: Summary,
        #[command(flatten)]
        settings: Settings,
    },
    /// Make, list or remove accounts beside the server's own. Asks the server that runs.
    Account {
        #[command(subcommand)]
        command: AccountCommand,
    },
    /// Ask what policies decide. Asks the server that runs.
    Iam {
        #[command(subcommand)]
        command: IamCommand,
    },
    /// Write all functions, versions, aliases and layers to one file: a backup, or a move. Stop the server first.
    Export {
        /// Where to. It holds environment variables as they are, and is readable for this user alone.
        file: PathBuf,
        /// Replace the file if it exists.
        #[arg(long)]
        overwrite: bool,
        #[command(flatten)]
        settings: Settings,
    },
    /// Read what `export` wrote. All of it or, if anything is wrong, nothing. Stop the server first.
    Import {
        /// The file.
        file: PathBuf,
        /// Replace functions and layers that exist already.
        #[arg(long)]
        overwrite: bool,
        #[command(flatten)]
        settings: Settings,
    },
    /// Print the version.
    Version,
    /// The process that builds sandboxes. The server starts it.
    #[command(hide = true)]
    Launcher,
}

#[derive(Debug, Subcommand)]
pub(crate) enum QueueCommand {
    /// List what waits of a function, as lines of JSON: events, and records that their destinations do not have yet.
    List {
        /// The function's name or ARN.
        function: String,
        #[command(flatten)]
        settings: Settings,
    },
    /// Throw away what waits. What runs goes on.
    Purge {
        #[command(flatten)]
        which: Which,
        /// Only records that their destinations do not have yet.
        #[arg(long, conflicts_with = "events")]
        undelivered: bool,
        /// Only events.
        #[arg(long)]
        events: bool,
        #[command(flatten)]
        settings: Settings,
    },
    /// Try now what waits for a later attempt, or for its destination.
    Redrive {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        settings: Settings,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum EventsCommand {
    /// Show what happens from now on, until interrupted: what went from where to where, what was not, and why.
    Tail {
        #[command(flatten)]
        asked: Tailed,
        #[command(flatten)]
        settings: Settings,
    },
}

#[derive(Debug, Args)]
#[group(skip)]
pub(crate) struct Tailed {
    /// Only what comes from this function or goes to it: its name or ARN.
    #[arg(long)]
    pub(crate) function: Option<String>,
    /// Only what comes from here: an ARN, a name, or a kind such as api, events, queue, topic, bucket, rule, schedule,
    /// log-group or function.
    #[arg(long)]
    pub(crate) source: Option<String>,
    /// Only what concerns this account [default: all of them].
    #[arg(long, value_name = "ACCOUNT")]
    pub(crate) of_account: Option<String>,
    /// Lines of JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AccountCommand {
    /// Make an account, print its number, and write the key of its root to `credentials-NUMBER` in the data directory.
    Create {
        /// The number that it is to have, twelve digits [default: a random one].
        #[arg(value_name = "ACCOUNT")]
        id: Option<String>,
        #[command(flatten)]
        settings: Settings,
    },
    /// List all accounts.
    List {
        #[command(flatten)]
        settings: Settings,
    },
    /// Remove an account in which nothing is left.
    Remove {
        /// Its number.
        #[arg(value_name = "ACCOUNT")]
        id: String,
        #[command(flatten)]
        settings: Settings,
    },
}

impl AccountCommand {
    pub(crate) const fn settings(&self) -> &Settings {
        match self {
            Self::Create { settings, .. }
            | Self::List { settings }
            | Self::Remove { settings, .. } => settings,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum IamCommand {
    /// Say whether somebody may do something, and which statement of which policy decides.
    ///
    /// For a denial that somebody got: `--message`, with the whole of it.
    Explain {
        #[command(flatten)]
        asked: Explain,
        #[command(flatten)]
        settings: Settings,
    },
}

#[derive(Debug, Args)]
#[group(skip)]
pub(crate) struct Explain {
    /// The id of an access key, or the ARN of a user, a role, a session of one, or an account's root.
    #[arg(required_unless_present = "message")]
    pub(crate) who: Option<String>,
    /// Such as lambda:InvokeFunction.
    #[arg(required_unless_present = "message")]
    pub(crate) action: Option<String>,
    /// An ARN, or * for actions that are for no resource in particular.
    #[arg(required_unless_present = "message")]
    pub(crate) resource: Option<String>,
    /// The denial that somebody got: "User: ... is not authorized to perform: ... on resource: ...".
    #[arg(long, conflicts_with_all = ["who", "action", "resource"])]
    pub(crate) message: Option<String>,
    /// What the request has for a condition key, such as aws:SourceIp=10.0.0.7. A key may have several values.
    #[arg(long, value_name = "KEY=VALUE", value_parser = parse_fact)]
    pub(crate) context: Vec<(String, String)>,
    #[arg(long, default_value = "text")]
    pub(crate) output: ExplainOutput,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExplainOutput {
    Text,
    Json,
}

fn parse_fact(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if key.contains(':') => Ok((key.to_owned(), value.to_owned())),
        _ => Err("KEY=VALUE is wanted, such as aws:SourceIp=10.0.0.7".to_owned()),
    }
}

impl QueueCommand {
    pub(crate) const fn settings(&self) -> &Settings {
        match self {
            Self::List { settings, .. }
            | Self::Purge { settings, .. }
            | Self::Redrive { settings, .. } => settings,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum RecordCommand {
    /// List invocations, the newest first.
    List {
        /// The function's name or ARN [default: all functions].
        function: Option<String>,
        /// Only those that ended so.
        #[arg(long)]
        outcome: Option<Outcome>,
        /// Only those that began at this time or later: 2026-11-23T10:00:00Z, or 15m, 2h, 3d ago.
        #[arg(long, value_name = "TIME", value_parser = parse_moment)]
        since: Option<Moment>,
        /// Only those that began before this time.
        #[arg(long, value_name = "TIME", value_parser = parse_moment)]
        until: Option<Moment>,
        /// At most so many.
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=10_000))]
        count: u16,
        #[arg(long, default_value = "table")]
        output: Output,
        #[command(flatten)]
        settings: Settings,
    },
    /// Print an invocation whole, payload and answer included, as JSON: a line for each attempt, the newest first.
    Show {
        /// Its request id.
        id: String,
        #[command(flatten)]
        settings: Settings,
    },
    /// Throw recordings away.
    Purge {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        settings: Settings,
    },
}

impl RecordCommand {
    pub(crate) const fn settings(&self) -> &Settings {
        match self {
            Self::List { settings, .. }
            | Self::Show { settings, .. }
            | Self::Purge { settings, .. } => settings,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Rerun {
    /// The request id of the recorded invocation. Of several attempts, the last one is compared.
    pub(crate) id: String,
    /// The version or alias to run it on [default: as it was invoked].
    #[arg(long, value_name = "VERSION")]
    pub(crate) qualifier: Option<String>,
    /// Wait for its end, or queue it.
    #[arg(long = "type", value_name = "TYPE", default_value = "RequestResponse")]
    pub(crate) invocation: Invocation,
    #[arg(long, default_value = "table")]
    pub(crate) output: Output,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Invocation {
    #[value(name = "RequestResponse")]
    RequestResponse,
    #[value(name = "Event")]
    Event,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Outcome {
    Answered,
    Failed,
    NotRun,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    Table,
    Json,
}

/// A time, or one that was so long ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    At(OffsetDateTime),
    Ago(time::Duration),
}

fn parse_moment(text: &str) -> Result<Moment, String> {
    let units = [("s", 1), ("m", 60), ("h", 60 * 60), ("d", 24 * 60 * 60)];
    let ago = units.iter().find_map(|(unit, seconds)| {
        let count: u32 = text.strip_suffix(unit)?.parse().ok()?;
        Some(time::Duration::seconds(i64::from(count) * seconds))
    });
    match ago {
        Some(ago) => Ok(Moment::Ago(ago)),
        None => OffsetDateTime::parse(text, &Rfc3339)
            .map(Moment::At)
            .map_err(|_| "a time such as 2026-11-23T10:00:00Z or 15m is wanted".to_owned()),
    }
}

#[derive(Debug, Args)]
pub(crate) struct Summary {
    /// The first day, such as 2026-11-23, UTC [default: the first day of this month].
    #[arg(long, value_name = "DAY", value_parser = parse_day)]
    pub(crate) from: Option<Date>,
    /// The last day, included [default: today].
    #[arg(long, value_name = "DAY", value_parser = parse_day)]
    pub(crate) to: Option<Date>,
    /// What to sum up by; several, with commas between them, make a row for each combination.
    #[arg(long, value_name = "COLUMN", value_delimiter = ',', default_value = "function")]
    pub(crate) by: Vec<UsageBy>,
    #[arg(long, default_value = "table")]
    pub(crate) output: UsageOutput,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum UsageBy {
    Function,
    Version,
    Account,
    Day,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum UsageOutput {
    Table,
    Csv,
    Json,
}

fn parse_day(text: &str) -> Result<Date, String> {
    Date::parse(text, format_description!("[year]-[month]-[day]"))
        .map_err(|error| error.to_string())
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Which {
    /// The function's name or ARN.
    pub(crate) function: Option<String>,
    /// All functions.
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RuntimesCommand {
    /// Install boto3 (python) or the AWS SDK for JavaScript v3 (nodejs) from their registries, once, for all functions.
    InstallSdk {
        /// For which runtimes.
        #[arg(required = true)]
        kinds: Vec<SdkKind>,
        #[command(flatten)]
        settings: Settings,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum SdkKind {
    Python,
    Nodejs,
}

/// Settings that most people need. All others: `--set`, the configuration file, or the environment.
#[derive(Debug, Args)]
pub(crate) struct Settings {
    /// Where everything is kept [default: tinderbox-data].
    #[arg(long, value_name = "DIR", env = "TINDERBOX_DATA_DIR")]
    data_dir: Option<PathBuf>,
    /// Address and port to listen on; port 0 takes a free one [default: 127.0.0.1:4566].
    #[arg(long, value_name = "ADDRESS:PORT", env = "TINDERBOX_LISTEN")]
    listen: Option<String>,
    /// A TOML file with sections [server], [sandbox], [runtimes], [stems], [invoke], [events], [logs], [edge], [store].
    #[arg(long, value_name = "FILE", env = "TINDERBOX_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// The region of this server [default: us-east-1].
    #[arg(long, env = "TINDERBOX_REGION")]
    region: Option<String>,
    /// The account of this server, twelve digits [default: 000000000000].
    #[arg(long, env = "TINDERBOX_ACCOUNT")]
    account: Option<String>,
    /// What functions reach besides AWS's APIs here: none, outbound or host [default: outbound, where it can be had].
    #[arg(long, env = "TINDERBOX_NETWORK")]
    network: Option<String>,
    /// The isolation level: l2, l1 or l0 [default: the strongest that this machine allows].
    #[arg(long, env = "TINDERBOX_LEVEL")]
    level: Option<String>,
    /// Any setting: `--set invoke.idle_max_ms=60000`. In the environment: TINDERBOX_INVOKE__IDLE_MAX_MS=60000.
    #[arg(long, value_name = "SECTION.KEY=VALUE", value_parser = parse_setting)]
    set: Vec<(String, String)>,
}

impl Settings {
    /// The flags as `section.key` and value.
    pub(crate) fn flags(&self) -> Vec<(&str, String)> {
        let named = [
            ("server.listen", self.listen.clone()),
            (
                "server.data_dir",
                self.data_dir.as_ref().map(|dir| dir.to_string_lossy().into_owned()),
            ),
            ("server.region", self.region.clone()),
            ("server.account", self.account.clone()),
            ("sandbox.network", self.network.clone()),
            ("sandbox.level", self.level.clone()),
        ];
        let set = self.set.iter().map(|(key, value)| (key.as_str(), value.clone()));
        named.into_iter().filter_map(|(key, value)| Some((key, value?))).chain(set).collect()
    }
}

fn parse_setting(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if key.contains('.') => Ok((key.to_owned(), value.to_owned())),
        _ => Err("SECTION.KEY=VALUE is wanted, such as invoke.idle_max_ms=60000".to_owned()),
    }
}
