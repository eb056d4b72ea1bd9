//! The thread that gives birth to every child.

use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::sync::OnceLock;
use std::sync::mpsc::{Sender, channel};
use std::{io, thread};

type Order = (Command, Sender<io::Result<Child>>);

static NURSERY: OnceLock<Sender<Order>> = OnceLock::new();

/// Starts `command` as the leader of a new group, on a thread that ends only with the process.
pub(super) fn spawn(mut command: Command) -> io::Result<Child> {
    command.process_group(0);
    let (reply, answer) = channel();
    let orders = NURSERY.get_or_init(open);
    let gone = |_| io::Error::other("the thread that starts processes is gone");
    orders.send((command, reply)).map_err(|_| io::Error::other("the nursery is closed"))?;
    answer.recv().map_err(gone)?
}

fn open() -> Sender<Order> {
    let (orders, inbox) = channel::<Order>();
    thread::spawn(move || {
        for (mut command, reply) in inbox {
            let _ = reply.send(command.spawn());
        }
    });
    orders
}
