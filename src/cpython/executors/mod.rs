pub(crate) mod event_loop;
pub(crate) mod main_thread;
pub(crate) mod process_pool;
pub(crate) mod thread_pool;
