// SPDX-License-Identifier: Apache-2.0
//! Every setting, read from the `Options` of the components: the comment on a field is its manual.

use crate::tree::Tree;
use std::fmt::Write as _;

/// Section, what it is about, where its fields stand, and the name of the struct.
const SECTIONS: [(&str, &str, &str, &str); 22] = [
    ("server", "the server itself", "app/src/config.rs", "Server"),
    ("sandbox", "what surrounds a function", "crates/sandbox/src/", "Options"),
    ("images", "where container images come from", "crates/images/src/", "Options"),
    ("runtimes", "where managed runtimes come from", "crates/worker/src/runtimes/", "Options"),
    ("stems", "runtimes that are started ahead", "crates/worker/src/stems.rs", "Options"),
    (
        "snapshots",
        "initialised versions that are kept",
        "crates/worker/src/snapshots.rs",
        "Options",
    ),
    ("invoke", "how many, and for how long", "crates/invoke/src/", "Options"),
    ("events", "asynchronous invocations", "crates/events/src/", "Options"),
    ("event_sources", "event source mappings", "crates/event-sources/src/", "Options"),
    (
        "logs",
        "log groups: what functions print, and what clients put",
        "crates/log-store/src/",
        "Options",
    ),
    ("edge", "connections and requests", "crates/edge/src/", "Options"),
    ("identity", "who may do what", "crates/edge/src/", "IdentityOptions"),
    ("store", "what lasts", "crates/store/src/", "Options"),
    ("usage", "what functions used", "crates/usage/src/", "Options"),
    ("cloudwatch", "metrics", "services/cloudwatch/src/", "Options"),
    ("eventbridge", "buses, rules and their events", "services/eventbridge/src/", "Options"),
    ("scheduler", "schedules and what they fire", "services/scheduler/src/", "Options"),
    ("sns", "topics and their messages", "services/sns/src/", "Options"),
    ("sqs", "queues and their messages", "services/sqs/src/", "Options"),
    ("recordings", "recorded invocations", "crates/recordings/src/", "Options"),
    ("s3", "buckets and objects", "services/s3/src/", "Options"),
    ("traces", "segments of traces", "crates/traces/src/", "Options"),
];

pub(super) fn write(tree: &Tree) -> String {
    let mut page = String::new();
    for (section, about, home, name) in SECTIONS {
        let fields: Vec<(String, String)> = tree
            .texts()
            .filter(|(path, _)| path.starts_with(home) && path.ends_with(".rs"))
            .find_map(|(_, text)| read(text, name))
            .unwrap_or_default();
        if fields.is_empty() {
            continue;
        }
        // Writing to a string does not fail.
        let _ = writeln!(page, "## `[{section}]`: {about}\n\n| key | what it says |\n|---|---|");
        for (key, text) in fields {
            let _ = writeln!(page, "| `{section}.{key}` | {} |", text.replace('|', "\\|"));
        }
        page.push('\n');
    }
    page
}

/// The fields of `struct NAME`, each with its comment as one line.
fn read(source: &str, name: &str) -> Option<Vec<(String, String)>> {
    let opening = format!("struct {name} {{");
    let body = source.lines().skip_while(|line| !line.trim_end().ends_with(&opening)).skip(1);
    let mut fields = Vec::new();
    let mut comment: Vec<&str> = Vec::new();
    let mut is_skipped = false;
    for line in body.map(str::trim) {
        if line == "}" {
            return Some(fields);
        }
        if let Some(text) = line.strip_prefix("///") {
            comment.push(text.trim());
        } else if line.starts_with("#[serde(skip") {
            is_skipped = true;
        } else if let Some((declared, _)) = line.split_once(':').filter(|_| !line.starts_with("#["))
        {
            let key = declared.rsplit(' ').next().unwrap_or(declared);
            if !is_skipped {
                fields.push((key.to_owned(), comment.join(" ")));
            }
            comment.clear();
            is_skipped = false;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use crate::tree::tests::tree;
    use expect_test::expect;

    #[test]
    fn a_comment_is_the_manual() {
        let source = "
            /// About.
            pub struct Options {
                /// The most
                /// of them. Default: `a|b`.
                #[serde(rename = \"x: y\")]
                pub count_max: usize,
                pub(crate) plain: u8,
                /// Not read from anywhere.
                #[serde(skip)]
                pub clock: Clock,
            }
            pub struct Other { pub x: u8 }
        ";
        expect![[r"
            ## `[invoke]`: how many, and for how long

            | key | what it says |
            |---|---|
            | `invoke.count_max` | The most of them. Default: `a\|b`. |
            | `invoke.plain` |  |

        "]]
        .assert_eq(&super::write(&tree(&[("crates/invoke/src/lib.rs", source)])));
    }
}
