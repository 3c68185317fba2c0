// SPDX-License-Identifier: Apache-2.0
//! The commands that start managed runtimes, with the flags that AWS gives them. Pure.
//!
//! A flag that a function sets in its own variables is not set here: the command line would win over them.

use super::Installed;
use super::identifier::Language;
use super::search::{self, Prefix};
use std::path::Path;

/// No `site` (our bootstrap does the little of it that functions need), no bytecode into read-only directories.
pub(super) fn python(prefix: &Prefix, file: &str) -> Vec<String> {
    let interpreter = format!("/var/lang/bin/{}", prefix.name());
    vec![interpreter, "-S".to_owned(), "-B".to_owned(), format!("/var/runtime/{file}")]
}

/// AWS turns two experiments of Node off: a file without `"type": "module"` is CommonJS, and `require` loads no ES
/// module.
pub(super) fn node(prefix: &Prefix) -> Vec<String> {
    let mut argv = vec!["/var/lang/bin/node".to_owned()];
    if prefix.version >= (search::Version { major: 20, minor: 17, patch: Some(0) }) {
        argv.extend(NODE_WITHOUT.map(str::to_owned));
    }
    argv.push("/var/runtime/bootstrap.cjs".to_owned());
    argv
}

const NODE_WITHOUT: [&str; 2] =
    ["--no-experimental-require-module", "--no-experimental-detect-module"];

/// One compiler and the collector without threads start fastest, and are AWS's choice. The language is what AWS's locale
/// gives, which this machine may not have.
pub(super) fn java() -> Vec<String> {
    let argv = [
        "/var/lang/bin/java",
        JAVA_COLLECTOR,
        JAVA_TIERS,
        "-XX:-UsePerfData",
        "-Duser.language=en",
        "-Duser.country=US",
        "-jar",
        "/var/runtime/bootstrap.jar",
    ];
    argv.map(str::to_owned).to_vec()
}

/// A Ruby knows its library by the place it was built for, so it runs there.
pub(super) fn ruby(interpreter: &Path) -> Vec<String> {
    vec![interpreter.display().to_string(), "/var/runtime/bootstrap.rb".to_owned()]
}

const JAVA_COLLECTOR: &str = "-XX:+UseSerialGC";
const JAVA_TIERS: &str = "-XX:TieredStopAtLevel=1";

impl Installed {
    /// What its interpreter is called.
    pub(super) fn program(&self) -> &str {
        let program = self.argv.first().map_or("", String::as_str);
        program.rsplit('/').next().unwrap_or_default()
    }

    /// The command for a function of this size and with these variables.
    pub fn argv_for(&self, memory_mb: u32, env_vars: &[(String, String)]) -> Vec<String> {
        let value = |name: &str| {
            env_vars.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
        };
        match self.identifier.language() {
            Language::Node { .. } => self.node_argv_for(memory_mb, value("NODE_OPTIONS")),
            Language::Java { .. } => {
                let options = ["JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS"].map(value).join(" ");
                self.java_argv_for(memory_mb, &options)
            }
            Language::Python { .. } | Language::Ruby { .. } | Language::Provided => {
                self.argv.clone()
            }
        }
    }

    /// AWS gives Node nine tenths of the memory for its old space and a twentieth for its new one, unless NODE_OPTIONS
    /// says otherwise, and lets NODE_OPTIONS turn the experiments on again.
    fn node_argv_for(&self, memory_mb: u32, options: &str) -> Vec<String> {
        let mut argv = self.argv.clone();
        argv.retain(|flag| {
            !NODE_WITHOUT.contains(&flag.as_str())
                || !options.contains(&flag.replacen("--no-", "--", 1))
        });
        let dashes = options.replace('_', "-");
        if !dashes.contains("--max-semi-space-size") && !dashes.contains("--max-old-space-size") {
            let new_space = (memory_mb / 20).max(1);
            let old_space = memory_mb / 10 * 9;
            argv.insert(1, format!("--max-old-space-size={old_space}"));
            argv.insert(1, format!("--max-semi-space-size={new_space}"));
        }
        argv
    }

    /// AWS gives Java 85 hundredths of the memory for its heap.
    fn java_argv_for(&self, memory_mb: u32, options: &str) -> Vec<String> {
        let mut argv = self.argv.clone();
        argv.retain(|flag| match flag.as_str() {
            JAVA_COLLECTOR => !(options.contains("-XX:+Use") && options.contains("GC")),
            JAVA_TIERS => {
                !options.contains("TieredStopAtLevel") && !options.contains("TieredCompilation")
            }
            _ => true,
        });
        let sizes = ["-Xmx", "-XX:MaxHeapSize", "-XX:MaxRAM"];
        if !sizes.iter().any(|size| options.contains(size)) {
            let heap_kb = u64::from(memory_mb) * 1024 * 85 / 100;
            argv.insert(1, format!("-XX:MaxHeapSize={heap_kb}k"));
        }
        argv
    }
}
