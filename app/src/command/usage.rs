// SPDX-License-Identifier: Apache-2.0
//! `tinderbox usage`: what functions used, summed up. Asks the server that runs.

use crate::arguments::{Summary, UsageBy, UsageOutput};
use crate::config::Config;
use crate::control::{self, Answer, Request};
use crate::terminal;
use anyhow::bail;
use time::Date;
use usage::{Column, Row, gigabyte_seconds};

/// What a row tells after the columns that it is summed up by.
const TOTALS: [&str; 8] = [
    "requests",
    "errors",
    "billed_ms",
    "gb_seconds",
    "ephemeral_storage_gb_seconds",
    "provisioned_requests",
    "provisioned_duration_gb_seconds",
    "provisioned_concurrency_gb_seconds",
];

pub(crate) fn run(config: &Config, which: &Summary) -> anyhow::Result<()> {
    let today = crate::metering::today();
    let first = Date::from_calendar_date(today.year(), today.month(), 1).unwrap_or(today);
    let (from, to) = (which.from.unwrap_or(first), which.to.unwrap_or(today));
    if from > to {
        bail!("--from {from} is after --to {to}");
    }
    let columns = columns(&which.by);
    let request =
        Request::Usage { from: from.to_string(), to: to.to_string(), by: columns.clone() };
    let Answer::Usage(rows) = control::ask(&config.server.data_dir, &request)? else {
        bail!("the server answered something else");
    };
    let head: Vec<&str> = columns.iter().map(|column| name(*column)).chain(TOTALS).collect();
    let rows: Vec<Vec<String>> = rows.iter().map(|row| cells(row, &columns)).collect();
    match which.output {
        UsageOutput::Table => Ok(terminal::table(&head, &rows)?),
        UsageOutput::Csv => {
            terminal::line(head.join(","))?;
            // Nothing in a row has a comma or a quote in it.
            rows.iter().try_for_each(|row| terminal::line(row.join(",")))?;
            Ok(())
        }
        UsageOutput::Json => Ok(terminal::line(json(&head, &rows, columns.len()))?),
    }
}

/// In the order of a row. A function is one of an account, and a version one of a function.
fn columns(by: &[UsageBy]) -> Vec<Column> {
    let by = |names: &[UsageBy]| names.iter().any(|name| by.contains(name));
    let columns = [
        (Column::Day, by(&[UsageBy::Day])),
        (Column::Account, by(&[UsageBy::Account, UsageBy::Function, UsageBy::Version])),
        (Column::Region, by(&[UsageBy::Function, UsageBy::Version])),
        (Column::Function, by(&[UsageBy::Function, UsageBy::Version])),
        (Column::Version, by(&[UsageBy::Version])),
    ];
    columns.into_iter().filter(|(_, is_asked)| *is_asked).map(|(column, _)| column).collect()
}

const fn name(column: Column) -> &'static str {
    match column {
        Column::Day => "day",
        Column::Account => "account",
        Column::Region => "region",
        Column::Function => "function",
        Column::Version => "version",
    }
}

fn cells(row: &Row, columns: &[Column]) -> Vec<String> {
    let totals = &row.totals;
    let counts = [
        totals.requests.to_string(),
        totals.errors.to_string(),
        totals.billed_ms.to_string(),
        gigabyte_seconds(totals.memory_mb_ms),
        gigabyte_seconds(totals.tmp_mb_ms),
        totals.provisioned_requests.to_string(),
        gigabyte_seconds(totals.provisioned_memory_mb_ms),
        gigabyte_seconds(totals.provisioned_mb_ms),
    ];
    columns.iter().map(|column| row.place.get(*column).to_owned()).chain(counts).collect()
}

/// An array of objects: the first `texts` members are texts, the others numbers as they are written in the other forms.
fn json(head: &[&str], rows: &[Vec<String>], texts: usize) -> String {
    let member = |(index, (name, cell)): (usize, (&&str, &String))| match index < texts {
        true => format!("\"{name}\":{}", serde_json::Value::from(cell.as_str())),
        false => format!("\"{name}\":{cell}"),
    };
    let object = |row: &Vec<String>| {
        let members: Vec<String> = head.iter().zip(row).enumerate().map(member).collect();
        format!("{{{}}}", members.join(","))
    };
    let objects: Vec<String> = rows.iter().map(object).collect();
    format!("[{}]", objects.join(",\n "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_written_with_all_their_digits() {
        let mut row = Row { place: usage::Place::default(), totals: usage::Totals::default() };
        (row.place.function, row.totals.memory_mb_ms) = ("f".to_owned(), 1);
        let columns = columns(&[UsageBy::Function]);
        let head: Vec<&str> = columns.iter().map(|column| name(*column)).chain(TOTALS).collect();
        let text = json(&head, &[cells(&row, &columns)], columns.len());
        let expected = concat!(
            r#"[{"account":"","region":"","function":"f","requests":0,"errors":0,"billed_ms":0,"#,
            r#""gb_seconds":0.0000009765625,"ephemeral_storage_gb_seconds":0,"provisioned_requests":0,"#,
            r#""provisioned_duration_gb_seconds":0,"provisioned_concurrency_gb_seconds":0}]"#,
        );
        assert_eq!(text, expected);
    }
}
