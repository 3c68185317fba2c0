// SPDX-License-Identifier: Apache-2.0
//! Which operations are built, from the declarations of `crates/api`: of all services in short, of AWS Lambda each.

use std::fmt::Write as _;
use wire::{OperationSpec, ServiceSpec};

/// How far an operation goes. The words stand in docs/coverage.md, too.
fn state(operation: &OperationSpec) -> &'static str {
    match (operation.is_built, operation.input.is_some()) {
        (true, _) => "built",
        (false, true) => "checked",
        (false, false) => "declared",
    }
}

/// What a service is called, and how many of its operations are where.
pub(super) fn write(services: &[(&str, &ServiceSpec)]) -> String {
    let mut page = String::new();
    for (name, service) in services {
        let names = |wanted: &str| {
            let operations =
                service.operations.iter().filter(|operation| state(operation) == wanted);
            let mut names: Vec<_> = operations.map(|operation| operation.name).collect();
            names.sort_unstable();
            names
        };
        // Writing to a string does not fail.
        let _ = writeln!(page, "## {name}\n");
        for (state, title) in
            [("built", "Built"), ("checked", "Checked"), ("declared", "Declared only")]
        {
            let names = names(state);
            if !names.is_empty() {
                let (count, total) = (names.len(), service.operations.len());
                let _ =
                    writeln!(page, "**{title}, {count} of {total}:** `{}`.\n", names.join("`, `"));
            }
        }
    }
    page
}

/// A row for each operation of one service, and what of it is not as in AWS's model.
pub(super) fn write_one(service: &ServiceSpec, meant: &[(&str, &str)]) -> String {
    let mut page = "| operation | request | success | state |\n|---|---|---|---|\n".to_owned();
    for operation in service.operations {
        let request = operation.http.unwrap_or_default();
        // Writing to a string does not fail.
        let _ = writeln!(
            page,
            "| {} | `{request}` | {} | {} |",
            operation.name,
            operation.status,
            state(operation)
        );
    }
    page.push_str("\nNot as in AWS's model, and meant so:\n\n");
    for (difference, why) in meant {
        let _ = writeln!(page, "- `{difference}`: {why}.");
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;
    use wire::Structure;

    static SERVICE: ServiceSpec = ServiceSpec {
        operations: &[
            OperationSpec { name: "GetB", is_built: true, ..OperationSpec::EMPTY },
            OperationSpec {
                name: "GetA",
                http: Some("GET /a"),
                is_built: true,
                ..OperationSpec::EMPTY
            },
            OperationSpec { name: "PutA", input: Some(&Structure::EMPTY), ..OperationSpec::EMPTY },
            OperationSpec { name: "EndA", status: 202, ..OperationSpec::EMPTY },
        ],
        ..ServiceSpec::EMPTY
    };

    #[test]
    fn operations_stand_under_how_far_they_go() {
        expect![[r#"
            ## a

            **Built, 2 of 4:** `GetA`, `GetB`.

            **Checked, 1 of 4:** `PutA`.

            **Declared only, 1 of 4:** `EndA`.

        "#]]
        .assert_eq(&write(&[("a", &SERVICE)]));
    }

    #[test]
    fn one_service_is_told_operation_by_operation() {
        expect![[r#"
            | operation | request | success | state |
            |---|---|---|---|
            | GetB | `` | 200 | built |
            | GetA | `GET /a` | 200 | built |
            | PutA | `` | 200 | checked |
            | EndA | `` | 202 | declared |

            Not as in AWS's model, and meant so:

            - `.A: type`: it is better.
        "#]]
        .assert_eq(&write_one(&SERVICE, &[(".A: type", "it is better")]));
    }
}
