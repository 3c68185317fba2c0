// SPDX-License-Identifier: Apache-2.0
//! The members of a tar file, one after the other, as they stand there.
//!
//! Not the iterator of the `tar` crate: that reads long names into memory however long they say they are. And layers are written by
//! many programs, some of which leave out the end of the file, or give a link a size with no bytes behind it.

use std::io::{self, Read};
use tar::{EntryType, Header};

const BLOCK: usize = 512;

#[derive(Debug)]
pub(crate) struct Entries<R> {
    reader: R,
    /// Bytes of the member that were not read yet, and what fills its last block.
    left: u64,
    padding: u64,
}

impl<R: Read> Entries<R> {
    pub(crate) const fn new(reader: R) -> Self {
        Self { reader, left: 0, padding: 0 }
    }

    /// Goes on to the next member. `None` at the end.
    pub(crate) fn next(&mut self) -> io::Result<Option<Header>> {
        self.skip()?;
        let mut block = [0; BLOCK];
        let mut filled = 0;
        while let Some(rest) = block.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.reader.read(rest)? {
                // Some writers leave out the blocks of zeros.
                0 if filled == 0 => return Ok(None),
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => filled += read,
            }
        }
        if block.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        let header = Header::from_byte_slice(&block).clone();
        if header.cksum()? != sum(&block) {
            return Err(io::Error::other("a header's checksum is wrong"));
        }
        if has_bytes(header.entry_type()) {
            self.set_size(header.entry_size()?);
        }
        Ok(Some(header))
    }

    /// Says what the header has no room for. Before the member is read.
    pub(crate) fn set_size(&mut self, size: u64) {
        self.left = size;
        self.padding = size.wrapping_neg() % BLOCK as u64;
    }

    pub(crate) const fn left(&self) -> u64 {
        self.left
    }

    fn skip(&mut self) -> io::Result<()> {
        if io::copy(&mut (&mut self.reader).take(self.left), &mut io::sink())? < self.left {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        // The end of the file may come before that of its last block.
        io::copy(&mut (&mut self.reader).take(self.padding), &mut io::sink())?;
        (self.left, self.padding) = (0, 0);
        Ok(())
    }
}

impl<R: Read> Read for Entries<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 || buffer.is_empty() {
            return Ok(0);
        }
        let read = (&mut self.reader).take(self.left).read(buffer)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= read as u64;
        Ok(read)
    }
}

/// Whether bytes follow the header of a member.
fn has_bytes(kind: EntryType) -> bool {
    !matches!(
        kind,
        EntryType::Link
            | EntryType::Symlink
            | EntryType::Char
            | EntryType::Block
            | EntryType::Directory
            | EntryType::Fifo
    )
}

/// Of all bytes of a header, those of the sum itself counted as spaces.
fn sum(block: &[u8; BLOCK]) -> u32 {
    let bytes = block.iter().enumerate();
    bytes.map(|(at, byte)| u32::from(if (148..156).contains(&at) { b' ' } else { *byte })).sum()
}
