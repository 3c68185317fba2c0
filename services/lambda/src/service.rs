// SPDX-License-Identifier: Apache-2.0
//! The parts of the service, and how it starts.

use crate::code::CodeStore;
use crate::error::Error;
use crate::function::{Function, Key};
use crate::package::PackageLimits;
use crate::records::{Loaded, Records};
use crate::table::Table;
use crate::tasks;
use crate::version::{Number, Version, VersionRecord};
use crate::{Invoke, Options, Presign};
use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use store::Store;
use worker::Deployment;

#[derive(Debug)]
pub(crate) struct Service<I> {
    pub(crate) table: Table,
    pub(crate) records: Records,
    pub(crate) codes: CodeStore,
    pub(crate) invoker: I,
    pub(crate) presign: Presign,
    pub(crate) options: Options,
    deployments: Deployments,
}

/// Counts deployments. Numbers are not kept: no environment outlives the server.
#[derive(Debug, Default)]
struct Deployments(AtomicU64);

impl Deployments {
    fn next(&self) -> Deployment {
        Deployment(self.0.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

impl<I: Invoke> Service<I> {
    /// Loads every function, and goes on with what a crash interrupted.
    pub(crate) async fn open(
        store: Store,
        code_dir: PathBuf,
        invoker: I,
        presign: Presign,
        options: Options,
    ) -> Result<Arc<Self>, Error> {
        let records = Records::new(store.clone());
        let loaded = records.load().await?;
        let used: HashSet<_> = loaded
            .iter()
            .flat_map(|function| function.published.values().chain([&function.latest]))
            .map(|record| record.code)
            .collect();
        let codes = CodeStore::open(store, code_dir, options.package, &used).await?;

        let deployments = Deployments::default();
        let functions: Vec<_> =
            loaded.into_iter().map(|function| restored(function, &codes, &deployments)).collect();
        let table = Table::new(functions);
        let service =
            Arc::new(Self { table, records, codes, invoker, presign, options, deployments });
        service.resume();
        Ok(service)
    }

    /// A version that nothing ran on before.
    pub(crate) fn version(
        &self,
        key: &Key,
        number: Number,
        record: VersionRecord,
        code: crate::code::Code,
    ) -> Arc<Version> {
        Version::new(key, number, record, code, self.deployments.next())
    }

    pub(crate) fn package_limits(&self) -> PackageLimits {
        self.codes.limits()
    }

    fn resume(self: &Arc<Self>) {
        for function in self.table.all() {
            let is_settling = function.versions().any(|version| version.record.is_settling());
            if is_settling {
                tasks::background(Arc::clone(self).settle(function.key.clone(), None));
            }
            // Active, and yet without its directory: the machine went down before it was synced.
            let missing = function
                .versions()
                .filter(|version| version.record.is_runnable() && !version.code.is_unpacked());
            for code in missing.map(|version| version.code.clone()) {
                tasks::background(async move {
                    if let Err(error) = code.unpack(None).await {
                        tracing::error!(package = %code.id(), error = &error as &dyn std::error::Error, "package not unpacked again");
                    }
                });
            }
        }
    }
}

fn restored(loaded: Loaded, codes: &CodeStore, deployments: &Deployments) -> Function {
    let Loaded { key, tags, last_number, latest, published } = loaded;
    let version = |number, record: VersionRecord| {
        let code = codes.hold(record.code);
        Version::new(&key, number, record, code, deployments.next())
    };
    let published: BTreeMap<_, _> = published
        .into_iter()
        .map(|(number, record)| (number, version(Number::Published(number), record)))
        .collect();
    let latest = version(Number::Latest, latest);
    Function { key, tags, last_number, latest, published }
}
