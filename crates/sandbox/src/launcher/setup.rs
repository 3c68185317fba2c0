// SPDX-License-Identifier: Apache-2.0
//! What the launcher does once, between the server's first message and its own answer.

use crate::greeting::{Answer, Hello, Purpose};
use crate::launcher::firewall::Installing;
use crate::launcher::network::Factory;
use crate::launcher::sandboxes::{Outside, Sandboxes};
use crate::launcher::subnet::{Block, Subnet};
use crate::launcher::survey::{self, Survey};
use crate::launcher::template::{Etc, Template};
use crate::{Level, Network, Options};
use std::fmt::Display;
use std::net::IpAddr;
use std::os::unix::net::UnixDatagram;
use sys::cgroup::{Layout, Tree};
use sys::namespaces::{self, Namespace};
use sys::process::SingleThread;
use sys::{identity, process};

/// A launcher that has been set up, and what it tells the server. One that was only to look has no sandboxes.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) answer: Answer,
    pub(crate) sandboxes: Option<Sandboxes>,
}

/// Finds out what is possible, and makes it so. The error is the answer to the server.
pub(crate) fn set_up(single: SingleThread, hello: &Hello) -> Result<Ready, Answer> {
    let options = &hello.options;
    let subnet = Subnet::parse(&options.subnet).ok_or_else(|| Answer::BadOption {
        option: "subnet".to_owned(),
        reason: format!("`{}` is not an IPv4 network", options.subnet),
    })?;
    let layout = Layout::discover().map_err(failed("look for cgroups"))?;
    let tree = Tree::create(&layout, &hello.tree);
    let survey = Survey::take(&single, &tree, hello.purpose, options.level);
    if hello.purpose == Purpose::Probe {
        let _ = layout.remove_tree(&hello.tree);
        let answer = Answer::Surveyed { capabilities: survey.capabilities() };
        return Ok(Ready { answer, sandboxes: None });
    }
    let level = survey
        .level(options.level)
        .map_err(|(level, missing)| Answer::NoLevel { level, missing })?;
    let mut network = survey
        .network(options.network, level)
        .map_err(|(network, missing)| Answer::NoNetwork { network, missing })?;

    let resolv_conf = std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    let nameservers = survey::nameservers(&resolv_conf);
    let mut outbound = None;
    if network == Network::Outbound {
        match begin_outbound(&single, options, subnet, &nameservers) {
            Ok(begun) => outbound = Some(begun),
            Err(missing) => lose_outbound(options, &mut network, missing)?,
        }
    }
    process::forget_children().map_err(failed("ignore the end of children"))?;

    let etc = Etc {
        users: users(options, level),
        nameservers: resolvers(network, &nameservers, &resolv_conf),
    };
    if level == Level::L1 {
        enter_user_namespace(&single).map_err(failed("enter a user namespace"))?;
    }
    let block = outbound.as_ref().map(|outbound| outbound.block);
    let mut factory = match (level, network) {
        (Level::L0, _) | (_, Network::Host) => None,
        _ => Some(Factory::start(&single, block).map_err(failed("start the network factory"))?),
    };
    let template = match level {
        Level::L0 => None,
        Level::L1 | Level::L2 => Some(
            Template::build(&single, level, &etc)
                .map_err(failed("build the file system of sandboxes"))?,
        ),
    };
    let mut firewall = None;
    if let Some(Outbound { claim, installing, .. }) = outbound {
        // Nothing is connected before this: the factory works on order.
        match installing.finish() {
            Ok(installed) => firewall = Some((installed, claim)),
            Err(reason) => {
                let missing = format!("cannot install the nftables rules: {reason}");
                lose_outbound(options, &mut network, missing)?;
                factory = Some(unconnected_factory(&single, template.as_ref())?);
            }
        }
    }
    let outside = Outside { layout, tree_name: hello.tree.clone(), firewall };
    let sandboxes = Sandboxes::new(single, level, options, template, factory, tree, outside)
        .map_err(failed("prepare the first sandboxes"))?;
    Ok(Ready { answer: Answer::Ready { level, network }, sandboxes: Some(sandboxes) })
}

fn failed<E: Display>(step: &'static str) -> impl FnOnce(E) -> Answer {
    move |error| Answer::Failed { step: step.to_owned(), reason: error.to_string() }
}

struct Outbound {
    block: Block,
    claim: UnixDatagram,
    installing: Installing,
}

/// Claims addresses and begins to put the rules in force. The error says what is missing.
fn begin_outbound(
    single: &SingleThread,
    options: &Options,
    subnet: Subnet,
    nameservers: &[IpAddr],
) -> Result<Outbound, String> {
    let ready = u16::from(options.ready_max) + u16::from(options.ready_always());
    let count = options.sandboxes_max.saturating_add(ready);
    let claimed =
        subnet.claim(count).map_err(|error| format!("cannot claim addresses: {error}"))?;
    let (block, claim) = claimed.ok_or_else(|| {
        format!("`{}` has no free block of addresses for {count} sandboxes", options.subnet)
    })?;
    let installing = Installing::begin(single, block, &options.subnet, nameservers)
        .map_err(|error| format!("cannot install the nftables rules: {error}"))?;
    Ok(Outbound { block, claim, installing })
}

/// Goes on without other machines, unless they were asked for.
fn lose_outbound(options: &Options, network: &mut Network, missing: String) -> Result<(), Answer> {
    if options.network.is_some() {
        return Err(Answer::NoNetwork { network: *network, missing });
    }
    *network = Network::None;
    Ok(())
}

/// A factory in place of one that would connect what it makes. It needs the host's files, as every factory.
fn unconnected_factory(
    single: &SingleThread,
    template: Option<&Template>,
) -> Result<Factory, Answer> {
    let start = || Factory::start(single, None);
    let started = match template {
        Some(template) => template.in_host(single, start).and_then(|started| started),
        None => start(),
    };
    started.map_err(failed("start the network factory"))
}

fn users(options: &Options, level: Level) -> std::ops::Range<u32> {
    if level == Level::L2 {
        let count = u32::from(options.sandboxes_max) + u32::from(options.ready_max);
        options.uid_base..options.uid_base.saturating_add(count)
    } else {
        super::USER_INSIDE..super::USER_INSIDE + 1
    }
}

/// What a sandbox's `resolv.conf` says: only what it can reach.
fn resolvers(network: Network, nameservers: &[IpAddr], resolv_conf: &str) -> Vec<String> {
    match network {
        Network::None => Vec::new(),
        Network::Outbound => nameservers.iter().map(ToString::to_string).collect(),
        Network::Host => {
            let lines =
                resolv_conf.lines().filter_map(|line| line.trim().strip_prefix("nameserver"));
            lines.map(|address| address.trim().to_owned()).collect()
        }
    }
}

fn enter_user_namespace(single: &SingleThread) -> std::io::Result<()> {
    let (user, group) = (identity::user(), identity::group());
    namespaces::unshare(single, Namespace::User)?;
    namespaces::map_user(super::USER_INSIDE, user, group)
}
