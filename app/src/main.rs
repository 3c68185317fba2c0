// SPDX-License-Identifier: Apache-2.0
//! The `tinderbox` binary: arguments, configuration, wiring; nothing else.

mod arguments;
mod command;
mod config;
mod control;
mod embedded;
mod host;
mod measured;
mod metering;
mod notices;
mod opening;
mod polled;
mod principals;
mod recorded;
mod resources;
mod scrape;
mod senders;
mod stored_code;
mod tail;
mod targets;
mod telemetry;
mod tenants;
mod terminal;
mod urls;

use arguments::{
    AccountCommand, Arguments, Command, EventsCommand, IamCommand, QueueCommand, RuntimesCommand,
    Settings,
};
use clap::Parser;
use config::Config;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // Before anything else: the launcher must stay small and single-threaded.
    if let Command::Launcher = arguments.command {
        return sandbox::launcher_main();
    }
    match run(arguments.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            terminal::note(format!("tinderbox: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Serve(settings) => command::serve::run(&load(&settings)?),
        Command::Doctor => command::doctor::run(),
        Command::Runtimes { command: None, settings } => command::runtimes::list(&load(&settings)?),
        Command::Runtimes {
            command: Some(RuntimesCommand::InstallSdk { kinds, settings }),
            ..
        } => command::runtimes::install_sdk(&load(&settings)?, &kinds),
        Command::Logs { function, follow, settings } => {
            command::logs::run(&load(&settings)?, &function, follow)
        }
        Command::Queue { command, settings } => {
            let settings = command.as_ref().map_or(&settings, QueueCommand::settings);
            command::queue::run(&load(settings)?, command.as_ref())
        }
        Command::Events { command: EventsCommand::Tail { asked, settings } } => {
            command::events::tail(&load(&settings)?, &asked)
        }
        Command::Account { command } => {
            command::account::run(&load(AccountCommand::settings(&command))?, &command)
        }
        Command::Iam { command: IamCommand::Explain { asked, settings } } => {
            command::iam::explain(&load(&settings)?, &asked)
        }
        Command::Record { command } => command::record::run(&load(command.settings())?, &command),
        Command::Replay { which, settings } => command::replay::run(&load(&settings)?, &which),
        Command::Usage { which, settings } => command::usage::run(&load(&settings)?, &which),
        Command::Export { file, overwrite, settings } => {
            command::archive::export(&load(&settings)?, &file, overwrite)
        }
        Command::Import { file, overwrite, settings } => {
            command::archive::import(&load(&settings)?, &file, overwrite)
        }
        Command::Version => Ok(terminal::line(concat!("tinderbox ", env!("CARGO_PKG_VERSION")))?),
        Command::Launcher => unreachable!("the launcher was started above"),
    }
}

fn load(settings: &Settings) -> anyhow::Result<Config> {
    Config::load(settings.config.as_deref(), std::env::vars(), &settings.flags())
}

/// Whoever read our output (`| head`) has seen enough.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let io = error.downcast_ref::<std::io::Error>();
    io.is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}
