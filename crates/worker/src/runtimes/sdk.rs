// SPDX-License-Identifier: Apache-2.0
//! boto3 and the AWS SDK for JavaScript, which AWS's runtimes carry and functions import without packing them.
//!
//! They are installed once, on request, by the machine's own pip and npm, into the directory that sandboxes see at
//! /var/runtime. The installation happens beside it; its parts are moved in when all of them are there, and a marker
//! comes last: an installation that was cut short is repeated, not used.

use super::identifier::{Identifier, Language};
use super::{Installed, Runtimes};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The clients of the AWS SDK for JavaScript that are installed, and two libraries that most code uses with them.
/// AWS's runtime has all four hundred clients; another one goes into the function's package or a layer.
pub const NODE_PACKAGES: [&str; 22] = [
    "@aws-sdk/client-api-gateway",
    "@aws-sdk/client-apigatewaymanagementapi",
    "@aws-sdk/client-cloudformation",
    "@aws-sdk/client-cloudwatch",
    "@aws-sdk/client-cloudwatch-logs",
    "@aws-sdk/client-dynamodb",
    "@aws-sdk/client-eventbridge",
    "@aws-sdk/client-firehose",
    "@aws-sdk/client-iam",
    "@aws-sdk/client-kinesis",
    "@aws-sdk/client-kms",
    "@aws-sdk/client-lambda",
    "@aws-sdk/client-s3",
    "@aws-sdk/client-scheduler",
    "@aws-sdk/client-secrets-manager",
    "@aws-sdk/client-sfn",
    "@aws-sdk/client-sns",
    "@aws-sdk/client-sqs",
    "@aws-sdk/client-ssm",
    "@aws-sdk/client-sts",
    "@aws-sdk/lib-dynamodb",
    "@aws-sdk/s3-request-presigner",
];
const PYTHON_PACKAGES: [&str; 1] = ["boto3"];
const MARKER: &str = ".sdk-installed";

/// Which SDK.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sdk {
    Python,
    Nodejs,
}

#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    #[error("there is no interpreter on this machine to install it with; {hint}")]
    NoInterpreter { hint: String },
    #[error("failed to run `{}`", program.display())]
    Run {
        program: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("`{}` failed: {output}", program.display())]
    Failed { program: PathBuf, output: String },
    #[error("failed to write `{}`", path.display())]
    Write {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Installed,
    WasInstalled,
}

/// Installs an SDK, and says on the way what it does. Blocks, for as long as pip or npm take.
pub fn install(
    runtimes: &Runtimes,
    sdk: Sdk,
    progress: &mut dyn FnMut(&str),
) -> Result<Outcome, InstallError> {
    let interpreters = interpreters(runtimes, sdk);
    let Some(newest) = interpreters.last() else {
        return Err(InstallError::NoInterpreter { hint: hint(sdk) });
    };
    let target = runtimes.directory_of(newest.identifier);
    if target.join(MARKER).is_file() {
        return Ok(Outcome::WasInstalled);
    }
    let draft = runtimes.directory.join(format!(".sdk-{}", newest.identifier.family()));
    let fails = |source| InstallError::Write { path: draft.clone(), source };
    remove(&draft).map_err(fails)?;
    fs::create_dir_all(&draft).map_err(fails)?;
    match sdk {
        Sdk::Python => install_python(&interpreters, newest, &draft, progress)?,
        Sdk::Nodejs => install_nodejs(newest, &draft, progress)?,
    }
    move_in(&draft, &target)
        .map_err(|source| InstallError::Write { path: target.clone(), source })?;
    Ok(Outcome::Installed)
}

/// Those that are installed, the oldest first.
fn interpreters(runtimes: &Runtimes, sdk: Sdk) -> Vec<Installed> {
    Identifier::all()
        .filter(|identifier| match identifier.language() {
            Language::Python { .. } => sdk == Sdk::Python,
            Language::Node { .. } => sdk == Sdk::Nodejs,
            Language::Java { .. } | Language::Ruby { .. } | Language::Provided => false,
        })
        .filter_map(|identifier| runtimes.find(&identifier.to_string()).ok())
        // What an image has does not run out here.
        .filter(|installed| installed.image.is_none())
        .collect()
}

fn hint(sdk: Sdk) -> String {
    let newest = Identifier::all().filter(|identifier| match identifier.language() {
        Language::Python { .. } => sdk == Sdk::Python,
        Language::Node { .. } => sdk == Sdk::Nodejs,
        Language::Java { .. } | Language::Ruby { .. } | Language::Provided => false,
    });
    newest.last().map(Identifier::how_to_install).unwrap_or_default()
}

/// boto3 is pure Python: one copy serves all versions. Each of them compiles it for itself, because sandboxes can not
/// and would do it over again at each start.
fn install_python(
    interpreters: &[Installed],
    newest: &Installed,
    draft: &Path,
    progress: &mut dyn FnMut(&str),
) -> Result<(), InstallError> {
    progress(&format!(
        "installing {} with the pip of {}",
        PYTHON_PACKAGES.join(" "),
        newest.identifier
    ));
    let mut pip = Command::new(python(newest));
    pip.args(["-m", "pip", "install", "--no-input", "--disable-pip-version-check", "--no-compile"])
        .args(["--quiet", "--root-user-action=ignore", "--target"])
        .arg(draft)
        .args(PYTHON_PACKAGES);
    run(&mut pip)?;
    for interpreter in interpreters {
        progress(&format!("compiling it for {}", interpreter.identifier));
        let mut compile = Command::new(python(interpreter));
        compile.args([
            "-I",
            "-m",
            "compileall",
            "-q",
            "-j",
            "0",
            "--invalidation-mode",
            "unchecked-hash",
        ]);
        run(compile.args(["-s"]).arg(draft).args(["-p", "/var/runtime"]).arg(draft))?;
    }
    Ok(())
}

fn python(installed: &Installed) -> PathBuf {
    let name = installed.program();
    installed.lang_dir.iter().map(|prefix| prefix.join("bin").join(name)).collect()
}

fn install_nodejs(
    newest: &Installed,
    draft: &Path,
    progress: &mut dyn FnMut(&str),
) -> Result<(), InstallError> {
    progress(&format!(
        "installing {} packages with npm: {}",
        NODE_PACKAGES.len(),
        NODE_PACKAGES.join(" ")
    ));
    let bin: PathBuf = newest.lang_dir.iter().map(|prefix| prefix.join("bin")).collect();
    // npm is a script that looks for its node on the path, and so do the scripts below it.
    let own = bin.join("npm");
    let npm = if own.is_file() { own } else { PathBuf::from("npm") };
    let system = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths([bin].into_iter().chain(std::env::split_paths(&system)))
        .unwrap_or(system);
    let mut command = Command::new(npm);
    command
        .env("PATH", path)
        .args([
            "install",
            "--no-audit",
            "--no-fund",
            "--ignore-scripts",
            "--omit=dev",
            "--loglevel=error",
            "--prefix",
        ])
        .arg(draft)
        .args(NODE_PACKAGES);
    run(&mut command)?;
    for name in ["package.json", "package-lock.json"] {
        let path = draft.join(name);
        remove(&path).map_err(|source| InstallError::Write { path, source })?;
    }
    Ok(())
}

fn run(command: &mut Command) -> Result<(), InstallError> {
    let program = PathBuf::from(command.get_program());
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|source| InstallError::Run { program: program.clone(), source })?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    Err(InstallError::Failed { program, output: text.trim().to_owned() })
}

/// Running sandboxes have `target` mounted: its parts are replaced, never the directory itself.
fn move_in(draft: &Path, target: &Path) -> io::Result<()> {
    move_parts(draft, target)?;
    fs::write(target.join(MARKER), "")?;
    fs::remove_dir_all(draft)
}

fn move_parts(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let place = to.join(entry.file_name());
        // What is compiled of our own bootstrap is in there too.
        if entry.file_name() == "__pycache__" && place.is_dir() {
            move_parts(&entry.path(), &place)?;
        } else {
            remove(&place)?;
            fs::rename(entry.path(), place)?;
        }
    }
    Ok(())
}

fn remove(path: &Path) -> io::Result<()> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_moved_in_and_what_is_there_stays() {
        let folder = tempfile::tempdir().unwrap();
        let (draft, target) = (folder.path().join("draft"), folder.path().join("target"));
        for path in ["draft/boto3", "draft/__pycache__", "target/boto3/old", "target/__pycache__"] {
            fs::create_dir_all(folder.path().join(path)).unwrap();
        }
        for path in
            ["draft/boto3/new", "draft/__pycache__/six", "target/__pycache__/bootstrap_rare"]
        {
            fs::write(folder.path().join(path), "").unwrap();
        }
        move_in(&draft, &target).unwrap();
        assert!(target.join("boto3/new").exists() && !target.join("boto3/old").exists());
        assert!(
            target.join("__pycache__/six").exists()
                && target.join("__pycache__/bootstrap_rare").exists()
        );
        assert!(target.join(MARKER).exists() && !draft.exists());
    }

    #[test]
    fn without_an_interpreter_it_says_how_to_get_one() {
        let folder = tempfile::tempdir().unwrap();
        let surroundings = super::super::Surroundings {
            home: None,
            path: None,
            java_home: None,
            root: folder.path().to_owned(),
        };
        let options = super::super::Options { surroundings, ..super::super::Options::default() };
        let runtimes = Runtimes::prepare(&options, folder.path()).unwrap();
        let error = install(&runtimes, Sdk::Python, &mut |_| {}).unwrap_err();
        assert!(error.to_string().contains("`uv python install 3.15`"), "{error}");
    }
}
