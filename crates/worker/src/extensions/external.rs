// SPDX-License-Identifier: Apache-2.0
//! External extensions: which there are, and how they are started beside the runtime.
//!
//! A sandbox runs one program. For a function with extensions that is the machine's shell with a few lines of ours
//! (`start.sh`): it starts the extensions, then the runtime, and tells over one pipe which of them ended; over another it is
//! told what to signal to the runtime. So the runtime may end before its extensions, which AWS's shutdown phase needs. What
//! extensions print goes to a third one, so that it is known from what the function prints. The pipes are in a folder of this environment, seen read-only at /var/rapid: a pipe can be written to even there.
//!
//! The shell tells a signal as 128 and its number. A runtime that exits with such a code itself counts as killed.
//!
//! Not here: what the extensions ask for, and what their ends mean.

use crate::extensions::EXTENSIONS_MAX;
use crate::failure::Failure;
use rustix::fs::{CWD, FileType, Mode, OFlags};
use sandbox::{Exit, Mount};
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use tokio::net::unix::pipe;

const START: &str = include_str!("start.sh");
const RAPID: &str = "/var/rapid";
/// Where ends are told: the function writes here.
const EXITS: (&str, u32) = ("exits", 0o622);
/// Where signals for the runtime are ordered: the function reads here.
const ORDERS: (&str, u32) = ("orders", 0o644);
/// What extensions print: the function writes here.
const OUTPUT: (&str, u32) = ("output", 0o622);
/// A line that is told is short. What is longer is not ours.
const LINE_BYTES_MAX: usize = 64;

/// The extensions that come as programs, and the pipes of their environment.
#[derive(Debug)]
pub(crate) struct External {
    pub(crate) names: Vec<String>,
    pipes: Pipes,
}

#[derive(Debug)]
struct Pipes {
    folder: PathBuf,
}

/// Where it is told what ended.
pub(crate) type Exits = pipe::Receiver;

/// A process that ended, as the shell tells it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Extension { index: usize, exit: Exit },
    Runtime(Exit),
}

/// Whether a function with these layers has external extensions.
pub(crate) fn has_any(layers_dir: Option<&Path>) -> bool {
    layers_dir.is_some_and(|layers| {
        names(&layers.join("extensions")).is_ok_and(|names| !names.is_empty())
    })
}

/// The executable files in an `extensions` folder, by name.
fn names(folder: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error)
            if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
        {
            return Ok(Vec::new());
        }
        Err(error) => return Err(error),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry?;
        // Where a link leads is known only inside the sandbox.
        let metadata = entry.metadata()?;
        let is_program = metadata.is_symlink()
            || (metadata.is_file() && metadata.permissions().mode() & 0o111 != 0);
        if let (true, Ok(name)) = (is_program, entry.file_name().into_string()) {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

impl External {
    /// Those in `folder`, which the sandbox sees at /opt/extensions. Makes the pipes below `directory`.
    pub(crate) fn prepare(
        folder: Option<&Path>,
        directory: &Path,
    ) -> io::Result<Result<Option<Self>, Failure>> {
        let Some(folder) = folder else { return Ok(Ok(None)) };
        let names = names(folder)?;
        if names.is_empty() {
            return Ok(Ok(None));
        }
        if names.len() > EXTENSIONS_MAX {
            let reason = format!("Extension limit ({EXTENSIONS_MAX}) reached");
            return Ok(Err(Failure::Extension { error_type: "Extension.LaunchError", reason }));
        }
        Ok(Ok(Some(Self { names, pipes: Pipes::make(directory)? })))
    }

    /// The command that starts them and the runtime.
    pub(crate) fn argv(&self, runtime: Vec<String>) -> Vec<String> {
        let count = self.names.len().to_string();
        let shell = ["/bin/sh", "-c", START, "rapid", RAPID, "/opt/extensions", &count];
        let all = shell.into_iter().map(str::to_owned);
        all.chain(self.names.iter().cloned()).chain(runtime).collect()
    }

    pub(crate) fn mount(&self) -> Mount {
        Mount { source: self.pipes.folder.clone(), target: RAPID.into() }
    }

    /// What the extensions print.
    pub(crate) fn output(&self) -> io::Result<pipe::Receiver> {
        // Both ways, so that it does not end with one life of the sandbox.
        let mut options = pipe::OpenOptions::new();
        options.read_write(true).open_receiver(self.pipes.folder.join(OUTPUT.0))
    }

    /// Our ends of the pipes: of what is told, and of what is ordered.
    pub(crate) fn open(&self) -> io::Result<(Exits, pipe::Sender)> {
        // Both ways, so that neither end waits for the other or sees it go.
        let mut options = pipe::OpenOptions::new();
        let both = options.read_write(true);
        let folder = &self.pipes.folder;
        Ok((both.open_receiver(folder.join(EXITS.0))?, both.open_sender(folder.join(ORDERS.0))?))
    }
}

impl External {
    /// Forgets what nobody has read: whoever wrote it or was to read it is dead.
    pub(crate) fn drain(&self) -> io::Result<()> {
        for (name, _) in [EXITS, ORDERS] {
            let pipe = rustix::fs::open(
                self.pipes.folder.join(name),
                OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC,
                Mode::empty(),
            )?;
            let mut unread = [0; 4096];
            while matches!(rustix::io::read(&pipe, &mut unread), Ok(1..)) {}
        }
        Ok(())
    }
}

impl Pipes {
    fn make(directory: &Path) -> io::Result<Self> {
        let pipes = Self { folder: directory.join(uuid::Uuid::new_v4().simple().to_string()) };
        // Other users of the machine have no business here; a sandbox sees the folder itself.
        fs::create_dir_all(directory)?;
        fs::set_permissions(directory, fs::Permissions::from_mode(0o700))?;
        fs::create_dir(&pipes.folder)?;
        fs::set_permissions(&pipes.folder, fs::Permissions::from_mode(0o755))?;
        for (name, mode) in [EXITS, ORDERS, OUTPUT] {
            let path = pipes.folder.join(name);
            rustix::fs::mknodat(CWD, &path, FileType::Fifo, Mode::from_raw_mode(mode), 0)?;
            // Whatever the umask has left of it.
            fs::set_permissions(&path, fs::Permissions::from_mode(mode))?;
        }
        Ok(pipes)
    }
}

impl Drop for Pipes {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.folder) {
            tracing::debug!(%error, "pipes of extensions not removed");
        }
    }
}

/// The next process that ended. Junk, which only the function itself can have written, is passed over.
pub(crate) async fn told(exits: &pipe::Receiver, read: &mut Vec<u8>) -> io::Result<Told> {
    loop {
        while let Some(end) = memchr::memchr(b'\n', read) {
            let line: Vec<u8> = read.drain(..=end).collect();
            if let Some(told) = parse(&line) {
                return Ok(told);
            }
        }
        if read.len() > LINE_BYTES_MAX {
            read.clear();
        }
        exits.readable().await?;
        let mut buffer = [0; 512];
        match exits.try_read(&mut buffer) {
            Ok(length) => read.extend_from_slice(buffer.get(..length).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}

fn parse(line: &[u8]) -> Option<Told> {
    let (who, status) = std::str::from_utf8(line).ok()?.trim_end().split_once(' ')?;
    let exit = match status.parse::<i32>().ok()? {
        signal @ 129..=192 => Exit::Signal(signal - 128),
        code => Exit::Code(code),
    };
    if who == "runtime" {
        return Some(Told::Runtime(exit));
    }
    Some(Told::Extension { index: who.parse().ok()?, exit })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};
    use tokio::io::AsyncReadExt as _;

    fn layers(files: &[(&str, u32, &str)]) -> tempfile::TempDir {
        let layers = tempfile::tempdir().unwrap();
        fs::create_dir(layers.path().join("extensions")).unwrap();
        for (name, mode, content) in files {
            let path = layers.path().join("extensions").join(name);
            fs::write(&path, content).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(*mode)).unwrap();
        }
        layers
    }

    #[test]
    fn executable_files_are_extensions_by_name() {
        let layers = layers(&[("b", 0o755, ""), ("a", 0o755, ""), ("readme", 0o644, "")]);
        fs::create_dir(layers.path().join("extensions/folder")).unwrap();
        assert_eq!(names(&layers.path().join("extensions")).unwrap(), ["a", "b"]);
        assert!(has_any(Some(layers.path())));
        assert!(!has_any(Some(&layers.path().join("extensions"))) && !has_any(None));
    }

    #[test]
    fn more_than_ten_are_refused() {
        let names: Vec<_> = (0..=EXTENSIONS_MAX).map(|index| format!("e{index:02}")).collect();
        let files: Vec<_> = names.iter().map(|name| (name.as_str(), 0o755, "")).collect();
        let (layers, directory) = (layers(&files), tempfile::tempdir().unwrap());
        let refused =
            External::prepare(Some(&layers.path().join("extensions")), directory.path()).unwrap();
        assert!(matches!(
            refused,
            Err(Failure::Extension { error_type: "Extension.LaunchError", .. })
        ));
    }

    /// The shell's part, with plain directories in the sandbox's place.
    struct Started {
        external: External,
        exits: pipe::Receiver,
        orders: pipe::Sender,
        output: pipe::Receiver,
        child: std::process::Child,
        read: Vec<u8>,
        _folders: [tempfile::TempDir; 2],
    }

    impl Started {
        fn new(extensions: &[(&str, u32, &str)], runtime: &str) -> Self {
            let (layers, directory) = (layers(extensions), tempfile::tempdir().unwrap());
            let external =
                External::prepare(Some(&layers.path().join("extensions")), directory.path());
            let external = external.unwrap().unwrap().unwrap();
            let (exits, orders) = external.open().unwrap();
            let output = external.output().unwrap();
            let runtime = ["/bin/sh", "-c", runtime].map(str::to_owned).to_vec();
            let argv = external.argv(runtime).into_iter().map(|argument| match argument.as_str() {
                RAPID => external.pipes.folder.display().to_string(),
                "/opt/extensions" => layers.path().join("extensions").display().to_string(),
                _ => argument,
            });
            let argv: Vec<_> = argv.collect();
            let mut command = Command::new(&argv[0]);
            command.args(&argv[1..]).env_clear().stdin(Stdio::null()).stdout(Stdio::piped());
            command.env("_HANDLER", "h").env("LAMBDA_TASK_ROOT", "/t").env("MINE", "m");
            let child = command.stderr(Stdio::null()).spawn().unwrap();
            Self {
                external,
                exits,
                orders,
                output,
                child,
                read: Vec::new(),
                _folders: [layers, directory],
            }
        }

        async fn told(&mut self) -> Told {
            let told = told(&self.exits, &mut self.read);
            tokio::time::timeout(std::time::Duration::from_secs(20), told).await.unwrap().unwrap()
        }

        /// What an extension printed.
        async fn printed(&mut self) -> String {
            let mut buffer = [0; 512];
            let length = self.output.read(&mut buffer).await.unwrap();
            String::from_utf8_lossy(&buffer[..length]).into_owned()
        }

        /// What the runtime printed up to a line end.
        fn line(&mut self) -> String {
            use std::io::Read as _;
            let (mut text, mut byte) = (String::new(), [0]);
            let output = self.child.stdout.as_mut().unwrap();
            while output.read(&mut byte).unwrap() == 1 && byte != *b"\n" {
                text.push(char::from(byte[0]));
            }
            text
        }
    }

    impl Drop for Started {
        fn drop(&mut self) {
            drop(self.child.kill());
            drop(self.child.wait());
        }
    }

    #[tokio::test]
    async fn each_end_is_told_with_its_status() {
        let extension = "#!/bin/sh\nexit 3\n";
        let mut started = Started::new(&[("a", 0o755, extension)], "exec tail -f /dev/null");
        assert_eq!(started.told().await, Told::Extension { index: 0, exit: Exit::Code(3) });
        assert_eq!(started.orders.try_write(b"TERM\n").unwrap(), 5);
        assert_eq!(started.told().await, Told::Runtime(Exit::Signal(15)));
        let folder = started.external.pipes.folder.clone();
        drop(started);
        assert!(!folder.exists());
    }

    #[tokio::test]
    async fn an_extension_sees_the_function_s_variables_and_not_the_runtime_s() {
        let show = "echo $0 ${MINE-none} ${LAMBDA_TASK_ROOT-none} ${_HANDLER-none}";
        let extension = format!("#!/bin/sh\n{show}\n");
        let mut started = Started::new(&[("a", 0o755, &extension)], "exit 7");
        assert!(started.printed().await.ends_with("/a m none none\n"));
        let ends = [started.told().await, started.told().await];
        assert!(ends.contains(&Told::Runtime(Exit::Code(7))), "{ends:?}");

        let started = &mut Started::new(&[("a", 0o755, "#!/bin/sh\n")], show);
        assert!(started.line().ends_with(" m /t h"));
    }

    #[tokio::test]
    async fn what_cannot_be_executed_is_told_as_the_shell_does() {
        let started = &mut Started::new(&[("a", 0o755, "#!/no/such/program\n")], "exit 0");
        let ends = [started.told().await, started.told().await];
        let not_found = |code| Told::Extension { index: 0, exit: Exit::Code(code) };
        assert!(ends.contains(&not_found(127)) || ends.contains(&not_found(126)), "{ends:?}");
    }

    #[test]
    fn junk_is_not_an_end() {
        for junk in ["", "runtime", "runtime x", "-1 0", "a 0", "\u{7f} 1"] {
            assert_eq!(parse(junk.as_bytes()), None, "{junk}");
        }
    }
}
