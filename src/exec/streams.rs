//! The command's two output streams: drained by a thread each, passed on live, stored up to a cap.
//!
//! What is passed on is what arrived, byte for byte and without waiting for line ends. When our own
//! output refuses it (a closed pipe, a full disk), passing on stops and nothing else changes: the
//! stream is drained and stored to its end and the command never notices. The order of bytes within
//! a stream is kept; between stdout and stderr it cannot be, once they are two pipes.

use std::io::{self, PipeReader, PipeWriter, pipe};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::BorrowedFd;
use rustix::io::{Errno, ioctl_fionread, read, retry_on_intr, write};
use rustix::stdio::{stderr, stdout};

use super::signals::without_terminal_stop;

/// Bytes read at once.
const CHUNK: usize = 64 * 1024;

/// What the command wrote to one of its streams. Empty if the stream was not captured.
#[derive(Debug, Default)]
pub struct Captured {
    /// The first bytes, up to the cap.
    pub bytes: Vec<u8>,
    /// How many bytes were written.
    pub total: u64,
    /// Whether `bytes` is only the beginning.
    pub cut: bool,
    /// Whether a process that outlived the command still held the stream open when reading ended.
    /// Everything the command itself wrote is counted all the same.
    pub detached: bool,
    /// Why not all of it could be passed on to our own stream.
    pub refused: Option<io::Error>,
}

/// Both streams while the command runs.
pub(super) struct Streams {
    stdout: Tap,
    stderr: Tap,
    /// Closed to tell the threads to end.
    stop: PipeWriter,
    /// Disconnected when both threads have ended.
    ended: Receiver<()>,
}

/// The ends to give to the command.
pub(super) struct Writers {
    pub(super) stdout: PipeWriter,
    pub(super) stderr: PipeWriter,
}

struct Tap {
    thread: JoinHandle<io::Result<Captured>>,
}

impl Streams {
    /// Makes the pipes and starts reading them.
    pub(super) fn open(cap: u64, pass_on: bool) -> io::Result<(Self, Writers)> {
        let (stop_reader, stop) = pipe()?;
        let stop_reader = Arc::new(stop_reader);
        let (sender, ended) = channel();
        let open = |name: &str, target: BorrowedFd<'static>| {
            let sink = Sink {
                target: pass_on.then_some(target),
                cap,
                captured: Captured::default(),
            };
            tap(name, sink, Arc::clone(&stop_reader), sender.clone())
        };
        let (stdout, stdout_writer) = open("stdout", stdout())?;
        let (stderr, stderr_writer) = open("stderr", stderr())?;
        let streams = Self {
            stdout,
            stderr,
            stop,
            ended,
        };
        let writers = Writers {
            stdout: stdout_writer,
            stderr: stderr_writer,
        };
        Ok((streams, writers))
    }

    /// Reads both streams to their ends, but no longer than `grace` from now if somebody still
    /// holds them open. What is in the pipes by then is read in any case.
    pub(super) fn finish(self, grace: Duration) -> io::Result<(Captured, Captured)> {
        let end = Instant::now() + grace;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match self.ended.recv_timeout(left) {
                Ok(()) => {}
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
            }
        }
        drop(self.stop);
        Ok((self.stdout.join()?, self.stderr.join()?))
    }
}

impl Tap {
    fn join(self) -> io::Result<Captured> {
        let broken = |_| io::Error::other("the thread that reads it ended unexpectedly");
        self.thread.join().map_err(broken)?
    }
}

fn tap(
    name: &str,
    sink: Sink,
    stop: Arc<PipeReader>,
    ended: Sender<()>,
) -> io::Result<(Tap, PipeWriter)> {
    let (reader, writer) = pipe()?;
    let thread = Builder::new().name(name.to_owned()).spawn(move || {
        // While the command has the terminal we are in its background, where `stty tostop` would
        // stop us for writing.
        let captured = without_terminal_stop(|| drain(&reader, &stop, sink));
        drop(ended);
        captured?
    })?;
    Ok((Tap { thread }, writer))
}

/// Reads to the end, or until told to stop; then what is there and no more, so that a chatty
/// process cannot keep us. When our own stream takes no more (nobody reads it, the disk is full), the
/// command's pipe is closed too, and the command learns of it as it would without us.
fn drain(pipe: &PipeReader, stop: &PipeReader, mut sink: Sink) -> io::Result<Captured> {
    let mut buffer = vec![0; CHUNK];
    while wait(pipe, stop)? {
        let count = retry_on_intr(|| read(pipe, &mut buffer))?;
        if count == 0 {
            return Ok(sink.captured);
        }
        sink.take(buffer.get(..count).unwrap_or_default());
        if sink.captured.refused.is_some() {
            return Ok(sink.captured);
        }
    }
    let mut left = ioctl_fionread(pipe)?;
    while left > 0 {
        let most = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
        let part = buffer.get_mut(..most).unwrap_or_default();
        let count = retry_on_intr(|| read(pipe, &mut *part))?;
        if count == 0 {
            return Ok(sink.captured);
        }
        sink.take(buffer.get(..count).unwrap_or_default());
        left = left.saturating_sub(count as u64);
    }
    sink.captured.detached = !at_end(pipe)?;
    Ok(sink.captured)
}

/// Waits for something to read (true) or to be told to stop (false).
fn wait(pipe: &PipeReader, stop: &PipeReader) -> io::Result<bool> {
    let mut sources = [
        PollFd::new(pipe, PollFlags::IN),
        PollFd::new(stop, PollFlags::IN),
    ];
    retry_on_intr(|| poll(&mut sources, None))?;
    let [_, stop] = sources;
    Ok(stop.revents().is_empty())
}

fn at_end(pipe: &PipeReader) -> io::Result<bool> {
    let mut source = [PollFd::new(pipe, PollFlags::IN)];
    retry_on_intr(|| poll(&mut source, Some(&Timespec::default())))?;
    let [source] = source;
    Ok(source.revents().contains(PollFlags::HUP) && !source.revents().contains(PollFlags::IN))
}

/// Where the bytes of one stream go.
struct Sink {
    /// Our own stream, until it refuses.
    target: Option<BorrowedFd<'static>>,
    cap: u64,
    captured: Captured,
}

impl Sink {
    fn take(&mut self, chunk: &[u8]) {
        if let Some(target) = self.target
            && let Err(error) = write_all(target, chunk)
        {
            self.target = None;
            self.captured.refused = Some(error.into());
        }
        let stored = &mut self.captured.bytes;
        let room = self.cap.saturating_sub(stored.len() as u64);
        let fits = usize::try_from(room).map_or(chunk.len(), |room| room.min(chunk.len()));
        stored.extend_from_slice(chunk.get(..fits).unwrap_or_default());
        self.captured.total = self.captured.total.saturating_add(chunk.len() as u64);
        self.captured.cut |= fits < chunk.len();
    }
}

/// Like `Write::write_all`, but without a buffer in between, and patient with a descriptor that
/// somebody has made non-blocking.
fn write_all(target: BorrowedFd<'_>, mut bytes: &[u8]) -> Result<(), Errno> {
    while !bytes.is_empty() {
        match write(target, bytes) {
            Ok(0) => return Err(Errno::IO),
            Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => {
                retry_on_intr(|| poll(&mut [PollFd::new(&target, PollFlags::OUT)], None))?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
