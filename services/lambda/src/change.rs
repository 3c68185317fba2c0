// SPDX-License-Identifier: Apache-2.0
//! Creating, updating and deleting functions.
//!
//! Each change holds the function's lock from the read to the write, goes to the store first and to memory second,
//! and is acknowledged after both. Of two changes at once the second finds the first in progress and is refused.

use crate::address::Address;
use crate::code::Uploaded;
use crate::content::{NewCode, Source};
use crate::error::Error;
use crate::function::{Function, Key};
use crate::recording::Wish;
use crate::records::Part;
use crate::service::Service;
use crate::settings::{LayerUse, Settings};
use crate::version::{Number, RuntimeUpdate, State, Update, Version, VersionRecord};
use crate::view::{self, ArnForm};
use crate::{Invoke, refuse, runtime_management, tasks, validate};
use api::lambda;
use names::{AccountId, Qualifier, Region};
use std::collections::BTreeMap;
use std::sync::Arc;
use wire::Context;

/// Where a version is published to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slot {
    /// The next number.
    Number,
    LatestPublished,
}

impl Slot {
    /// Of a change that publishes, by itself or because it says where to.
    fn of(publishes: bool, to: Option<lambda::FunctionVersionLatestPublished>) -> Option<Self> {
        match (to, publishes) {
            (Some(_), _) => Some(Self::LatestPublished),
            (None, true) => Some(Self::Number),
            (None, false) => None,
        }
    }
}

impl<I: Invoke> Service<I> {
    pub(crate) async fn create(
        self: &Arc<Self>,
        cx: &Context,
        mut input: lambda::CreateFunctionInput,
    ) -> Result<lambda::FunctionConfiguration, Error> {
        let key =
            Address::parse(cx, "CreateFunction", &input.function_name, None)?.unqualified()?;
        let mut settings = validate::settings_of_new(key.name.as_str(), &mut input)?;
        self.check_role(&key, &settings.role)?;
        self.check_tracing(&settings)?;
        self.check_dead_letters(&key, &settings).await?;
        self.check_snap_start(&settings)?;
        let _provider =
            self.hold_provider(cx, "CreateFunction", settings.capacity.as_ref()).await?;
        let signing_arn = input.code_signing_config_arn.take();
        let signing = self.hold_signing(cx, "CreateFunction", signing_arn.as_deref()).await?;
        self.check_signature(&key, signing.id.as_deref())?;
        let (layers, _kept) = self.use_layers(cx, &input.layers.take().unwrap_or_default())?;
        settings.layers = layers;
        let tags = input.tags.take().unwrap_or_default();
        validate::check_tags(&tags)?;
        self.check_wish(&tags)?;
        let source = Source::take(&mut input.code.zip_file, &mut input.code.image_uri);
        self.check_runnable(&source)?;
        self.check_room(&key, source.bytes())?;

        let code = self.take_in(source).await?;
        self.check_unzipped(code.unzipped_bytes, &settings.layers)?;
        let lock = self.table.lock(&key).await;
        self.check_room(&key, code.zip_bytes())?;
        let mut record = self.new_record(settings, &code);
        self.note_runtime(&mut record).await;
        let NewCode { content, uploaded, .. } = code;
        let latest = self.version(&key, Number::Latest, record, content);
        let mut function = Function {
            tags,
            last_number: 0,
            latest,
            published: BTreeMap::new(),
            latest_published: None,
            aliases: BTreeMap::new(),
            reserved_concurrency: None,
            event_invoke: BTreeMap::new(),
            urls: BTreeMap::new(),
            lineage: key.lineage(),
            recursive_loop: None,
            code_signing: signing.id.clone(),
            provisioned: BTreeMap::new(),
            scaling: BTreeMap::new(),
            recorded: Wish::default(),
            gate: self.accounts.gate(&key.account, &key.region),
            key,
        };
        let mut numbers = vec![Number::Latest];
        if let Some(slot) = Slot::of(input.publish, input.publish_to) {
            let published = self.publication(&function, None, slot)?;
            numbers.push(published.number);
            function = function.with_version(published);
        }
        self.records.save(&function, &numbers).await?;

        let function = self.table.put(&lock, function);
        tasks::background(Arc::clone(self).settle(function.key.clone(), uploaded));
        let answered = function.versions().last().unwrap_or(&function.latest);
        Ok(view::configuration(&function.key, answered, ArnForm::Unqualified))
    }

    pub(crate) async fn update_code(
        self: &Arc<Self>,
        cx: &Context,
        mut input: lambda::UpdateFunctionCodeInput,
    ) -> Result<lambda::FunctionConfiguration, Error> {
        let address = Address::parse(cx, "UpdateFunctionCode", &input.function_name, None)?;
        let key = address.unqualified()?;
        let known = self.table.get(&key).map(|function| function.latest.record.package_type());
        refuse::in_code_update(&input, known.unwrap_or(lambda::PackageType::Zip))?;
        let revision_id = input.revision_id.take();
        // Refused before the upload is kept, and again under the lock.
        let current = self.changeable(&key, revision_id.as_deref())?;
        self.check_signature(&key, current.code_signing.as_deref())?;
        let source = Source::take(&mut input.zip_file, &mut input.image_uri);
        self.check_runnable(&source)?;
        if input.dry_run {
            return self.dry_run(&current, source).await;
        }
        drop(current);
        self.check_storage(&key.account, &key.region, source.bytes())?;

        let code = self.take_in(source).await?;
        let lock = self.table.lock(&key).await;
        let current = self.changeable(&key, revision_id.as_deref())?;
        self.check_signature(&key, current.code_signing.as_deref())?;
        let mut record = current.latest.record.clone();
        code.write(&mut record);
        self.check_unzipped(record.unzipped_bytes, &record.settings.layers)?;
        self.note_runtime(&mut record).await;
        self.begin_update(&mut record);
        let NewCode { content, uploaded, .. } = code;
        let latest = self.version(&key, Number::Latest, record, content);
        let mut changed = current.with_version(latest);
        let mut numbers = vec![Number::Latest];
        let mut answered = Number::Latest;
        let slot = Slot::of(input.publish, input.publish_to);
        let mut replaced = None;
        if let Some(slot) = slot {
            let published = self.publication(&changed, None, slot)?;
            answered = published.number;
            replaced = current.version(answered).cloned();
            if replaced.as_ref().is_none_or(|known| !Arc::ptr_eq(known, &published)) {
                numbers.push(answered);
                changed = changed.with_version(published);
            } else {
                replaced = None;
            }
        }
        self.records.save(&changed, &numbers).await?;

        let changed = self.table.put(&lock, changed);
        drop(lock);
        self.after_update(current, &changed.key, uploaded);
        if let Some(replaced) = replaced {
            self.let_go(&replaced);
        }
        let form = if slot.is_some() { ArnForm::Qualified } else { ArnForm::Unqualified };
        let version = changed.version(answered).unwrap_or(&changed.latest);
        Ok(view::configuration(&changed.key, version, form))
    }

    pub(crate) async fn update_configuration(
        self: &Arc<Self>,
        cx: &Context,
        mut input: lambda::UpdateFunctionConfigurationInput,
    ) -> Result<lambda::FunctionConfiguration, Error> {
        let address =
            Address::parse(cx, "UpdateFunctionConfiguration", &input.function_name, None)?;
        let key = address.unqualified()?;
        // Before the function's lock, always, as where one is created.
        let providers = match &input.capacity_provider_config {
            Some(_) => Some(self.providers.lock().await),
            None => None,
        };
        let lock = self.table.lock(&key).await;
        let current = self.changeable(&key, input.revision_id.take().as_deref())?;
        let mut record = current.latest.record.clone();
        let is_other_role = input.role.is_some();
        let is_traced_anew = is_other_role || input.tracing_config.is_some();
        let sends_anew = is_other_role || input.dead_letter_config.is_some();
        record.settings =
            validate::settings_after(&record.settings, record.package_type(), &mut input)?;
        if let (Some(_), Some(capacity)) = (&providers, &record.settings.capacity) {
            self.check_provider(cx, "UpdateFunctionConfiguration", capacity)?;
        }
        if is_other_role {
            self.check_role(&key, &record.settings.role)?;
        }
        if is_traced_anew {
            self.check_tracing(&record.settings)?;
        }
        if sends_anew {
            self.check_dead_letters(&key, &record.settings).await?;
        }
        self.check_snap_start(&record.settings)?;
        runtime_management::check_bound(&record, &current.latest.record)?;
        let mut _kept = Vec::new();
        if let Some(arns) = input.layers.take() {
            (record.settings.layers, _kept) = self.use_layers(cx, &arns)?;
            let is_new = |layer: &LayerUse| !current.latest.record.settings.layers.contains(layer);
            if record.settings.layers.iter().any(is_new) {
                self.check_signature(&key, current.code_signing.as_deref())?;
            }
            self.check_unzipped(record.unzipped_bytes, &record.settings.layers)?;
        }
        self.note_runtime(&mut record).await;
        self.begin_update(&mut record);
        let latest = self.version(&key, Number::Latest, record, current.latest.content.clone());
        let changed = current.with_version(latest);
        self.records.save(&changed, &[Number::Latest]).await?;

        let changed = self.table.put(&lock, changed);
        drop(lock);
        self.after_update(current, &changed.key, None);
        Ok(view::configuration(&changed.key, &changed.latest, ArnForm::Unqualified))
    }

    pub(crate) async fn publish(
        self: &Arc<Self>,
        cx: &Context,
        input: lambda::PublishVersionInput,
    ) -> Result<lambda::FunctionConfiguration, Error> {
        let key =
            Address::parse(cx, "PublishVersion", &input.function_name, None)?.unqualified()?;
        let lock = self.table.lock(&key).await;
        let current = self.changeable(&key, input.revision_id.as_deref())?;
        let sha256 = view::code_sha256(&current.latest);
        if let Some(asked) = input.code_sha256.filter(|asked| !asked.is_empty() && *asked != sha256)
        {
            return Err(Error::InvalidParameter(format!(
                "CodeSHA256 ({asked}) is different from current CodeSHA256 in $LATEST ({sha256}). Please try again with the CodeSHA256 in $LATEST."
            )));
        }
        if let State::Failed(_) = current.latest.record.state {
            return Err(Error::WrongState { state: "Failed" });
        }

        let slot = match input.publish_to {
            Some(_) => Slot::LatestPublished,
            None => Slot::Number,
        };
        let published = self.publication(&current, input.description, slot)?;
        let known = current.version(published.number);
        if known.is_none_or(|known| !Arc::ptr_eq(known, &published)) {
            // To whoever compares revisions, `$LATEST` has changed.
            let mut latest = current.latest.record.clone();
            latest.revise();
            let changed = current
                .with_version(Arc::clone(&published))
                .with_version(current.latest.with_record(latest));
            self.records.save(&changed, &[published.number, Number::Latest]).await?;
            let changed = self.table.put(&lock, changed);
            if let Some(known) = known {
                self.let_go(known);
            }
            if published.is_managed() || published.record.is_settling() {
                tasks::background(Arc::clone(self).settle(changed.key.clone(), None));
            }
        }
        Ok(view::configuration(&key, &published, ArnForm::Qualified))
    }

    pub(crate) async fn delete(
        self: &Arc<Self>,
        cx: &Context,
        input: lambda::DeleteFunctionInput,
    ) -> Result<lambda::DeleteFunctionOutput, Error> {
        let address =
            Address::parse(cx, "DeleteFunction", &input.function_name, input.qualifier.as_deref())?;
        let number = match &address.qualifier {
            None => None,
            Some(Qualifier::Latest) => return Err(Error::LatestNotDeletable),
            Some(Qualifier::LatestPublished) => Some(Number::LatestPublished),
            Some(Qualifier::Version(number)) => Some(Number::Published(*number)),
            Some(Qualifier::Alias(_)) => return Err(Error::AliasNotDeletable),
        };
        let key = address.key;
        let lock = self.table.lock(&key).await;
        let current =
            self.table.get(&key).ok_or_else(|| Error::FunctionNotFound { arn: key.arn() })?;
        match number {
            None => {
                self.records.delete(&current).await?;
                self.table.remove(&lock, &key);
                current.versions().for_each(|version| self.let_go(version));
                if !current.provisioned.is_empty() {
                    self.invoker.provision(&key.arn(), Vec::new());
                }
                if current.versions().any(|version| version.is_managed()) {
                    self.invoker.manage(&key.arn(), Vec::new());
                }
            }
            Some(number) => {
                if let Some(version) = current.version(number) {
                    check_unaliased(&current, number)?;
                    let mut changed = current.without_version(number);
                    changed.event_invoke.remove(&number.to_string());
                    changed.scaling.remove(&number.to_string());
                    let was_provisioned = changed.provisioned.remove(&number.to_string()).is_some();
                    let parts = [Part::Version(number), Part::EventInvoke(number.to_string())];
                    self.records.save(&changed, parts).await?;
                    let changed = self.table.put(&lock, changed);
                    if was_provisioned {
                        self.provision(&changed);
                    }
                    if version.is_managed() {
                        self.manage(&changed);
                    }
                    self.let_go(version);
                }
            }
        }
        drop(lock);
        drop(current);
        self.codes.sweep().await;
        Ok(lambda::DeleteFunctionOutput { status_code: Some(204) })
    }

    /// The version that publishing `$LATEST` gives: a new one, or the newest again when nothing changed since.
    fn publication(
        &self,
        function: &Function,
        description: Option<String>,
        slot: Slot,
    ) -> Result<Arc<Version>, Error> {
        let latest = &function.latest;
        if slot == Slot::LatestPublished && latest.record.settings.capacity.is_none() {
            let text = "PublishTo is supported for functions with a capacity provider only.";
            return Err(Error::InvalidParameter(text.to_owned()));
        }
        let (newest, number) = match slot {
            Slot::Number => {
                let number = Number::Published(function.last_number + 1);
                (function.published.values().next_back(), number)
            }
            Slot::LatestPublished => (function.latest_published.as_ref(), Number::LatestPublished),
        };
        if let Some(newest) = newest
            && newest.record.is_same_content(&latest.record)
        {
            return Ok(Arc::clone(newest));
        }
        let versions_max = self.options.versions_max;
        if function.published.len() >= versions_max {
            return Err(Error::StorageExceeded {
                what: "The number of versions of this function",
                max: versions_max as u64,
            });
        }
        let key = &function.key;
        self.check_versions_on_provider(function)?;
        self.check_storage(&key.account, &key.region, latest.record.code_bytes)?;
        let mut record = latest.record.clone();
        record.description = description;
        // One that is published again stays for whom it was.
        let same = newest.filter(|newest| newest.number == number);
        record.policy = same.and_then(|same| same.record.policy.clone());
        record.revise();
        if record.settings.has_snap_start {
            record.snapshot = Some(uuid::Uuid::new_v4().to_string());
        }
        // On a capacity provider a version is active once it has its environments, with SnapStart once it has its snapshot.
        let is_ahead = record.settings.capacity.is_some() || record.snapshot.is_some();
        if record.is_settling() || is_ahead {
            (record.state, record.update) = (State::Pending, None);
        }
        Ok(self.version(&function.key, number, record, latest.content.clone()))
    }

    /// A version is no more, or runs on another version of its runtime from here on: what there is of it ends.
    pub(crate) fn let_go(&self, version: &Version) {
        self.invoker.retire(version.deployment());
        if let Some(snapshot) = &version.record.snapshot {
            self.invoker.forget_snapshot(snapshot);
        }
    }

    /// Refuses a role that Lambda can not assume.
    fn check_role(&self, key: &Key, role: &str) -> Result<(), Error> {
        let Some(roles) = &self.options.roles else { return Ok(()) };
        if roles.are_good(role, &key.arn()) {
            return Ok(());
        }
        let text = "The role defined for the function cannot be assumed by Lambda.";
        Err(Error::InvalidParameter(text.to_owned()))
    }

    /// Refuses active tracing with a role that may not send segments.
    fn check_tracing(&self, settings: &Settings) -> Result<(), Error> {
        let tracer = self.options.tracer.as_ref().filter(|_| settings.is_traced);
        if tracer.is_none_or(|tracer| tracer.may_send(&settings.role)) {
            return Ok(());
        }
        let text = "The provided execution role does not have permissions to call PutTraceSegments on XRAY";
        Err(Error::InvalidParameter(text.to_owned()))
    }

    /// Refuses dead letters with a role that may not send them.
    async fn check_dead_letters(&self, key: &Key, settings: &Settings) -> Result<(), Error> {
        match &settings.dead_letters {
            Some(target) => self.check_target(key, &settings.role, target).await,
            None => Ok(()),
        }
    }

    /// Whether the versions of a function with these settings can have snapshots, if they are to have them. The sentences but for
    /// that about the runtime are ours.
    fn check_snap_start(&self, settings: &Settings) -> Result<(), Error> {
        if !settings.has_snap_start {
            return Ok(());
        }
        validate::check_snap_start(settings)?;
        self.invoker.check_snap_start().map_err(|reason| {
            Error::InvalidParameter(format!("SnapStart is not available on this server: {reason}."))
        })
    }

    /// The function, if it may be changed now, and is as the caller saw it.
    pub(crate) fn changeable(
        &self,
        key: &Key,
        revision_id: Option<&str>,
    ) -> Result<Arc<Function>, Error> {
        let function =
            self.table.get(key).ok_or_else(|| Error::FunctionNotFound { arn: key.arn() })?;
        let record = &function.latest.record;
        if revision_id.is_some_and(|revision_id| revision_id != record.revision_id) {
            return Err(Error::RevisionMismatch);
        }
        if record.update == Some(Update::InProgress) {
            return Err(Error::UpdateInProgress { arn: key.arn() });
        }
        match record.state {
            State::Pending => Err(Error::WrongState { state: "Pending" }),
            State::Active | State::Failed(_) | State::Deactivated => Ok(function),
        }
    }

    fn begin_update(&self, record: &mut VersionRecord) {
        match record.state {
            State::Failed(_) | State::Pending => {
                (record.state, record.update) = (State::Pending, None)
            }
            State::Active | State::Deactivated => record.update = Some(Update::InProgress),
        }
        record.touch((self.options.clock)());
    }

    /// What may happen after the acknowledgement. An invocation that starts from here on finds the new deployment.
    fn after_update(self: &Arc<Self>, old: Arc<Function>, key: &Key, uploaded: Option<Uploaded>) {
        self.invoker.retire(old.latest.deployment());
        // Its package is unused from here on, unless an invocation still runs on it.
        drop(old);
        tasks::background(Arc::clone(self).settle(key.clone(), uploaded));
    }

    /// What the function would be, with nothing kept.
    async fn dry_run(
        &self,
        function: &Function,
        source: Source,
    ) -> Result<lambda::FunctionConfiguration, Error> {
        let mut record = function.latest.record.clone();
        self.try_in(source, &mut record).await?;
        self.check_unzipped(record.unzipped_bytes, &record.settings.layers)?;
        Ok(view::configuration(
            &function.key,
            &function.latest.with_record(record),
            ArnForm::Unqualified,
        ))
    }

    /// A plain process has the machine's root, whatever its image says.
    fn check_runnable(&self, source: &Source) -> Result<(), Error> {
        match source {
            Source::Image(_) if !self.options.runs_images => Err(Error::Unsupported {
                member: "PackageType=Image",
                instead: "it needs isolation level 1 or 2",
            }),
            Source::Image(_) | Source::Zip(_) => Ok(()),
        }
    }

    fn new_record(&self, settings: Settings, code: &NewCode) -> VersionRecord {
        let mut record = VersionRecord {
            settings,
            description: None,
            code: code.hash(),
            image: None,
            code_bytes: 0,
            unzipped_bytes: 0,
            revision_id: uuid::Uuid::new_v4().to_string(),
            last_modified_ms: (self.options.clock)().epoch_ms(),
            state: State::Pending,
            update: None,
            policy: None,
            snapshot: None,
            runtime_update: RuntimeUpdate::Auto,
            runtime_version: None,
        };
        code.write(&mut record);
        record
    }

    /// Whether a function may be created under `key`: the name is free, and the account is within its limits.
    fn check_room(&self, key: &Key, zip_bytes: u64) -> Result<(), Error> {
        if self.table.get(key).is_some() {
            return Err(Error::FunctionExists { name: key.name.to_string() });
        }
        let functions_max = self.options.functions_max;
        if self.table.usage(&key.account, &key.region).functions >= functions_max {
            let max = functions_max as u64;
            return Err(Error::StorageExceeded {
                what: "The number of functions of this account and region",
                max,
            });
        }
        self.check_storage(&key.account, &key.region, zip_bytes)
    }

    /// Whether the account may keep `added` bytes more.
    pub(crate) fn check_storage(
        &self,
        account: &AccountId,
        region: &Region,
        added: u64,
    ) -> Result<(), Error> {
        let max = self.options.code_bytes_max;
        let (functions, layers) =
            (self.table.usage(account, region).code_bytes, self.layers.code_bytes(account, region));
        if functions.saturating_add(layers).saturating_add(added) > max {
            return Err(Error::StorageExceeded {
                what: "The code of all functions and layers, in bytes,",
                max,
            });
        }
        Ok(())
    }
}

/// An alias must not lead to nothing.
fn check_unaliased(function: &Function, number: Number) -> Result<(), Error> {
    let aliases: Vec<_> = function
        .aliases
        .iter()
        .filter(|(_, alias)| alias.leads_to(number))
        .map(|(name, _)| name.as_str())
        .collect();
    if aliases.is_empty() {
        return Ok(());
    }
    Err(Error::VersionAliased { aliases: aliases.join(", ") })
}
