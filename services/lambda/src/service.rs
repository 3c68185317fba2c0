// SPDX-License-Identifier: Apache-2.0
//! The parts of the service, and how it starts.

use crate::asleep::Alarm;
use crate::capacity_provider::CapacityProvider;
use crate::code::{CodeError, CodeStore};
use crate::code_signing::CodeSigningConfig;
use crate::concurrency::{Accounts, Limits, to_usize};
use crate::content::Content;
use crate::error::Error;
use crate::event_source_mappings::Mapping;
use crate::function::{Function, Key};
use crate::layer_table::{LayerRecords, LayerTable, LoadedLayer};
use crate::noting::Noticed;
use crate::package::PackageLimits;
use crate::records::Records;
use crate::registry::Registry;
use crate::stack::Stack;
use crate::table::Table;
use crate::tasks;
use crate::version::{Number, Version, VersionRecord};
use crate::{Invoke, Options, Presign, polling};
use event_sources::Pollers;
use events::disk::Directory;
use events::{OpenError, Queue};
use images::Images;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use store::Store;
use worker::Deployment;

#[derive(Debug)]
pub(crate) struct Service<I> {
    pub(crate) table: Table,
    pub(crate) records: Records,
    pub(crate) codes: CodeStore,
    pub(crate) images: Images,
    pub(crate) layers: LayerTable,
    pub(crate) mappings: Registry<Mapping>,
    pub(crate) signing: Registry<CodeSigningConfig>,
    pub(crate) providers: Registry<CapacityProvider>,
    pub(crate) accounts: Arc<Accounts>,
    pub(crate) invoker: I,
    pub(crate) queue: Arc<Queue>,
    /// `None` where no source is in reach.
    pub(crate) pollers: Option<Pollers>,
    pub(crate) presign: Presign,
    pub(crate) options: Options,
    pub(crate) noticed: Noticed,
    deployments: Arc<Deployments>,
}

/// Counts deployments. Numbers are not kept: no environment outlives the server.
#[derive(Debug, Default)]
pub(crate) struct Deployments(AtomicU64);

impl Deployments {
    pub(crate) fn next(&self) -> Deployment {
        Deployment(self.0.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

/// What the store has, in memory, before anything can be invoked.
#[derive(Debug)]
pub(crate) struct Kept {
    table: Table,
    records: Records,
    codes: CodeStore,
    images: Images,
    layers: LayerTable,
    mappings: Registry<Mapping>,
    signing: Registry<CodeSigningConfig>,
    providers: Registry<CapacityProvider>,
    accounts: Arc<Accounts>,
    queue: Arc<Queue>,
    pub(crate) options: Options,
    deployments: Arc<Deployments>,
}

impl Kept {
    /// Loads every function. Those that need nothing sleep until somebody wants them.
    pub(crate) async fn load(
        store: Store,
        code_dir: PathBuf,
        options: Options,
    ) -> Result<Self, Error> {
        let records = Records::new(store.clone());
        let functions = records.load().await?;
        let layer_records = LayerRecords::new(store.clone());
        let layers = layer_records.load().await?;
        let mappings = Registry::open(store.keyspace("lambda.event_source_mappings")).await?;
        let signing = Registry::open(store.keyspace("lambda.code_signing_configs")).await?;
        let providers = Registry::open(store.keyspace("lambda.capacity_providers")).await?;
        let (mut used, mut merged) = (HashSet::new(), HashSet::new());
        used.extend(layers.iter().flat_map(LoadedLayer::packages));
        for (_, known) in functions.values() {
            used.extend(&known.packages);
            merged.extend(&known.merged);
        }
        let images = match &options.images {
            Some(images) => images.clone(),
            None => Images::open(images::Options::default(), code_dir.with_file_name("images"))
                .map_err(CodeError::Image)?,
        };
        let queue = match &options.queue {
            Some(queue) => Arc::clone(queue),
            None => own_queue(&code_dir)?,
        };
        let codes = CodeStore::open(store, code_dir, options.package, &used, &merged).await?;
        let layers = LayerTable::new(layer_records, layers, &codes);

        let deployments = Arc::<Deployments>::default();
        let accounts = Arc::new(Accounts::new(Limits {
            concurrency_max: to_usize(options.concurrency_max),
            requests_per_second_max: options.requests_per_second_max,
            reserved_requests_per_second: options.reserved_requests_per_second,
        }));
        let alarm = Alarm {
            codes: codes.clone(),
            images: images.clone(),
            accounts: Arc::clone(&accounts),
            deployments: Arc::clone(&deployments),
        };
        let table = Table::new(alarm, functions);
        Ok(Self {
            table,
            records,
            codes,
            images,
            layers,
            mappings,
            signing,
            providers,
            accounts,
            queue,
            options,
            deployments,
        })
    }
}

impl<I: Invoke> Service<I> {
    /// Goes on with what a crash interrupted.
    pub(crate) fn begin(kept: Kept, invoker: I, presign: Presign) -> Arc<Self> {
        let Kept { table, records, codes, images, layers, .. } = kept;
        let service = Arc::new_cyclic(|service| Self {
            pollers: kept
                .options
                .sources
                .clone()
                .map(|sources| polling::pollers(service, sources, &kept.options.event_sources)),
            table,
            records,
            codes,
            images,
            layers,
            mappings: kept.mappings,
            signing: kept.signing,
            providers: kept.providers,
            accounts: kept.accounts,
            invoker,
            queue: kept.queue,
            presign,
            options: kept.options,
            noticed: Noticed::default(),
            deployments: kept.deployments,
        });
        service.limit_providers();
        let functions = service.table.awake();
        let versions = functions.iter().flat_map(|function| function.versions());
        let snapshots = versions.filter_map(|version| version.record.snapshot.clone()).collect();
        service.invoker.retain_snapshots(&snapshots);
        service.resume();
        service.run_queue();
        service.begin_polling();
        service
    }

    /// A version that nothing ran on before.
    pub(crate) fn version(
        &self,
        key: &Key,
        number: Number,
        record: VersionRecord,
        content: Content,
    ) -> Arc<Version> {
        let layers = Stack::hold(&self.codes, &record.settings.layer_packages());
        Version::new(key, number, record, content, layers, self.deployments.next())
    }

    pub(crate) fn package_limits(&self) -> PackageLimits {
        self.codes.limits()
    }

    fn resume(self: &Arc<Self>) {
        for function in self.table.awake() {
            let is_settling = function.versions().any(|version| version.record.is_settling());
            if is_settling {
                tasks::background(Arc::clone(self).settle(function.key.clone(), None));
            }
            if function.versions().all(|version| !is_lost(version)) {
                self.provision_if_any(&function);
                continue;
            }
            // Not the function itself: what it holds would stay beyond the sweep, if it is deleted meanwhile.
            let (service, key) = (Arc::clone(self), function.key.clone());
            tasks::background(async move { service.restore_lost(&key).await });
        }
    }

    /// Unpacks again what the machine lost as it went down.
    async fn restore_lost(&self, key: &Key) {
        let lost: Vec<_> = match self.table.get(key) {
            Some(function) => {
                function.versions().filter(|version| is_lost(version)).cloned().collect()
            }
            None => return,
        };
        for version in lost {
            if let Err(error) = version.unpack(None).await {
                tracing::error!(package = %version.record.code, error = &error as &dyn std::error::Error, "package not unpacked again");
            }
        }
        if let Some(function) = self.table.get(key) {
            self.provision_if_any(&function);
        }
        // What was deleted meanwhile was let go of here.
        self.codes.sweep().await;
    }

    fn provision_if_any(&self, function: &Function) {
        if !function.provisioned.is_empty() {
            self.provision(function);
        }
        if function.versions().any(|version| version.is_managed()) {
            self.manage(function);
        }
    }
}

/// A queue beside the code.
fn own_queue(code_dir: &Path) -> Result<Arc<Queue>, Error> {
    let disk = Directory::open(&code_dir.with_file_name("events"))
        .map_err(|source| OpenError::Directory { source });
    let queue = disk.and_then(|disk| Queue::open(Arc::new(disk), events::Options::default()));
    Ok(Arc::new(queue.map_err(Error::Queue)?))
}

/// Active, and yet without its directory: the machine went down before it was synced.
fn is_lost(version: &Version) -> bool {
    version.record.is_runnable() && !version.is_unpacked()
}
