// SPDX-License-Identifier: Apache-2.0
//! Every metric that the server tells of itself, from its catalogue.

use metrics::Metric;
use std::fmt::Write as _;

pub(super) fn write(catalogue: &[&Metric]) -> String {
    let mut page =
        "| metric | kind | unit | labels | what it says |\n|---|---|---|---|---|\n".to_owned();
    for Metric { name, kind, unit, labels, help } in catalogue {
        let labels = labels.iter().map(|label| format!("`{label}`")).collect::<Vec<_>>();
        // Writing to a string does not fail.
        let _ = writeln!(
            page,
            "| `{name}` | {} | {unit} | {} | {help} |",
            kind.name(),
            labels.join(", ")
        );
    }
    page
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use metrics::{Kind, Metric};

    #[test]
    fn each_metric_has_a_row() {
        let metric = Metric {
            name: "a_seconds_total",
            kind: Kind::Counter,
            unit: "seconds",
            labels: &["b", "c"],
            help: "What it is.",
        };
        expect![[r"
            | metric | kind | unit | labels | what it says |
            |---|---|---|---|---|
            | `a_seconds_total` | counter | seconds | `b`, `c` | What it is. |
        "]]
        .assert_eq(&super::write(&[&metric]));
    }
}
