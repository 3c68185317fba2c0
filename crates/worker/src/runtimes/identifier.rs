// SPDX-License-Identifier: Apache-2.0
//! The names of runtimes: `python3.12`, `nodejs22.x`, `java17.al2023`, `ruby3.4`, `provided.al2023`.
//!
//! AWS's list with its dates is not ours: a runtime that AWS has retired goes on working here for as long as its
//! interpreter does.

use std::fmt;
use std::str::FromStr;

/// The interpreters that our bootstraps are written for.
const PYTHON_MINORS: std::ops::RangeInclusive<u8> = 9..=15;
const NODE_MAJORS: [u8; 5] = [18, 20, 22, 24, 26];
/// Some Javas have a name for each Amazon Linux. Here they are the same.
const JAVAS: [(u8, &str); 8] = [
    (8, ".al2"),
    (8, ".al2023"),
    (11, ""),
    (11, ".al2023"),
    (17, ""),
    (17, ".al2023"),
    (21, ""),
    (25, ""),
];
const RUBIES: [(u8, u8); 4] = [(3, 2), (3, 3), (3, 4), (4, 0)];
const PROVIDED: [&str; 2] = ["provided.al2", "provided.al2023"];

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Language {
    Python { minor: u8 },
    Node { major: u8 },
    Java { major: u8 },
    Ruby { major: u8, minor: u8 },
    Provided,
}

/// How a runtime is started before anybody knows for which function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ahead {
    /// Whether the command that starts it depends on the function's memory.
    pub(crate) is_for_one_memory_size: bool,
    /// The beginnings of the variables that it reads as it starts, besides those that every program reads.
    pub(crate) early_variables: &'static [&'static str],
    /// Whether it goes to the function's code by itself. If not, it is moved there.
    pub(crate) changes_directory: bool,
    /// About how much memory it takes while it waits.
    pub(crate) memory_mb: u64,
}

impl Language {
    /// None for what can only be started with its code.
    pub(crate) const fn ahead(self) -> Option<Ahead> {
        match self {
            Self::Python { .. } => Some(Ahead {
                is_for_one_memory_size: false,
                early_variables: &["PYTHON"],
                changes_directory: true,
                memory_mb: 12,
            }),
            // It is told its heap sizes as it starts.
            Self::Node { .. } => Some(Ahead {
                is_for_one_memory_size: true,
                early_variables: &["NODE_", "OPENSSL_", "SSL_", "UV_"],
                changes_directory: true,
                memory_mb: 12,
            }),
            // It is told the size of its heap as it starts.
            Self::Java { .. } => Some(Ahead {
                is_for_one_memory_size: true,
                early_variables: &["JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS"],
                changes_directory: false,
                memory_mb: 24,
            }),
            Self::Ruby { .. } => Some(Ahead {
                is_for_one_memory_size: false,
                early_variables: &["RUBY", "GEM_"],
                changes_directory: true,
                memory_mb: 12,
            }),
            Self::Provided => None,
        }
    }
}

/// A runtime that we know how to run. There is no other way to make one than to parse it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Identifier {
    language: Language,
    /// Of `provided`: the whole name. Of a Java: the end of it that says which Amazon Linux.
    system: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a runtime that can be run here")]
pub struct InvalidIdentifier(String);

impl Identifier {
    pub const fn language(self) -> Language {
        self.language
    }

    /// Every runtime that we know.
    pub fn all() -> impl Iterator<Item = Self> {
        let python = PYTHON_MINORS.map(|minor| Language::Python { minor });
        let node = NODE_MAJORS.into_iter().map(|major| Language::Node { major });
        let ruby = RUBIES.map(|(major, minor)| Language::Ruby { major, minor });
        let managed = python.chain(node).chain(ruby).map(|language| Self { language, system: "" });
        let java = JAVAS.map(|(major, system)| Self { language: Language::Java { major }, system });
        managed
            .chain(java)
            .chain(PROVIDED.map(|system| Self { language: Language::Provided, system }))
    }

    /// The folder of its bootstrap, and the word before the colon of its version.
    pub(super) const fn family(self) -> &'static str {
        match self.language {
            Language::Python { .. } => "python",
            Language::Node { .. } => "nodejs",
            Language::Java { .. } => "java",
            Language::Ruby { .. } => "ruby",
            Language::Provided => "provided",
        }
    }

    /// The file name of its interpreter. None of `provided`.
    pub(super) fn interpreter(self) -> Option<String> {
        match self.language {
            Language::Python { minor } => Some(format!("python3.{minor}")),
            Language::Node { .. } => Some("node".to_owned()),
            Language::Java { .. } => Some("java".to_owned()),
            Language::Ruby { .. } => Some("ruby".to_owned()),
            Language::Provided => None,
        }
    }

    pub(super) fn how_to_install(self) -> String {
        match self.language {
            Language::Python { minor } => format!(
                "`uv python install 3.{minor}`, `pyenv install 3.{minor}` or `apt-get install python3.{minor}`; or name its \
                 prefix in runtimes.search"
            ),
            Language::Node { major } => format!(
                "`nvm install {major}`, or nodejs {major} from the system's packages; or name its prefix in \
                 runtimes.search"
            ),
            Language::Java { major } => format!(
                "`apt-get install openjdk-{major}-jdk-headless` or `sdk install java`; or name its home in runtimes.search"
            ),
            Language::Ruby { major, minor } => format!(
                "`rbenv install {major}.{minor}`, or ruby {major}.{minor} from the system's packages; or name its prefix in \
                 runtimes.search, or that of another version in runtimes.stand_in"
            ),
            Language::Provided => "nothing to install".to_owned(),
        }
    }

    /// What this runtime adds to a function's environment variables.
    pub(super) fn env_vars(self) -> Vec<(String, String)> {
        let execution_env = ("AWS_EXECUTION_ENV", format!("AWS_Lambda_{self}"));
        let added = match self.language {
            Language::Python { .. } => vec![
                execution_env,
                ("PYTHONPATH", "/var/runtime".to_owned()),
                ("LC_CTYPE", "C.UTF-8".to_owned()),
            ],
            Language::Node { major } => {
                let path = format!(
                    "/opt/nodejs/node{major}/node_modules:/opt/nodejs/node_modules:/var/runtime/node_modules:/var/runtime:/var/task"
                );
                vec![execution_env, ("NODE_PATH", path)]
            }
            // A JVM takes the encoding of file names from the locale, and from nothing else.
            Language::Java { .. } => vec![execution_env, ("LC_ALL", "C.UTF-8".to_owned())],
            // The encoding of texts from outside comes from the locale.
            Language::Ruby { major, minor } => {
                let version = format!("{major}.{minor}.0");
                let gems =
                    format!("/var/task/vendor/bundle/ruby/{version}:/opt/ruby/gems/{version}");
                vec![
                    execution_env,
                    ("GEM_HOME", "/var/runtime".to_owned()),
                    ("GEM_PATH", gems),
                    ("RUBYLIB", "/var/task:/var/runtime/lib:/opt/ruby/lib".to_owned()),
                    ("LC_CTYPE", "C.UTF-8".to_owned()),
                ]
            }
            Language::Provided => Vec::new(),
        };
        added.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

impl fmt::Display for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.language {
            Language::Python { minor } => write!(f, "python3.{minor}"),
            Language::Node { major } => write!(f, "nodejs{major}.x"),
            Language::Java { major } => write!(f, "java{major}{}", self.system),
            Language::Ruby { major, minor } => write!(f, "ruby{major}.{minor}"),
            Language::Provided => f.write_str(self.system),
        }
    }
}

impl<'de> serde::Deserialize<'de> for Identifier {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl FromStr for Identifier {
    type Err = InvalidIdentifier;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::all()
            .find(|identifier| identifier.to_string() == text)
            .ok_or_else(|| InvalidIdentifier(text.to_owned()))
    }
}
