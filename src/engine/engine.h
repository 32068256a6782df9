// The container engine. One event loop runs everything here; blocking work (unpacking, launching) goes to a bounded
// worker pool and comes back. Thread side: every member is called on the loop's thread.
//
//   create ──> created ──start──> running ──exit──> exited ──remove──> gone
//                                  │  ▲               │
//                                pause unpause        └─ restart policy (back-off 100 ms doubling to 1 min) ─> running
//
// Live restore: state is in SQLite before it is acknowledged; stdio is parked in PID 1's fd store; open() re-adopts
// what still runs (pid and start time) and asks PID 1's ledger how the rest ended.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/check.h"
#include "engine/container_list.h"
#include "engine/model.h"
#include "engine/process_list.h"
#include "image/registry.h"

namespace diatom::engine {

template <class T>
using Task = boost::asio::awaitable<Result<T>>;

// One chunk of a container's output or of its log.
struct Output {
    enum class Stream : std::uint8_t { in = 0, out = 1, err = 2 };
    Stream stream = Stream::out;
    std::int64_t time = 0;
    std::string bytes;
    std::size_t footprint() const noexcept { return sizeof *this + bytes.size(); }
};
// What is there already, together: many short lines cost a client few messages, and none of them waits for another.
using Outputs = std::vector<Output>;
inline constexpr std::size_t kOutputsTogether = 64U << 10U;  // footprint after which nothing is added

// A live connection to a container's or an exec's stdio. Dropped: detached, the process goes on.
class Attachment {
public:
    virtual ~Attachment() = default;
    virtual bool tty() const = 0;
    // The next outputs; none once the process has ended and all was read (or stdio was closed).
    virtual Task<Outputs> read() = 0;
    virtual Task<void> write(std::string bytes) = 0;  // to stdin
    virtual Task<void> close_stdin() = 0;             // half-close
};

struct AttachOptions {
    bool stream = true, logs = false, in = false, out = true, err = true;
};
struct LogQuery {
    bool follow = false, out = true, err = true, timestamps = false;
    bool details = false;               // before each line what the log's options have it carry
    std::int64_t since = 0, until = 0;  // wall ns; 0: unbounded
    std::optional<std::uint64_t> tail;  // lines; absent: all
};
// A log being read.
class LogReader {
public:
    virtual ~LogReader() = default;
    virtual Task<Outputs> next() = 0;  // lines with their newlines; none at the end
};

enum class WaitCondition { not_running, next_exit, removed };
struct WaitResult {
    int exit_code = 0;
    std::string error;
};

struct RemoveOptions {
    bool force = false, volumes = false;
};

// What HEAD and GET archive tell of a path, as Docker's ContainerPathStat.
struct PathStat {
    std::string name, link_target;  // link_target: where a symbolic link ends, as seen in the container
    std::uint64_t size = 0;
    mode_t mode = 0;         // as of stat(2)
    std::int64_t mtime = 0;  // wall ns
};
// A tar archive that is made as it is read. While one of a container's files lives, a container that does not run is
// kept from starting. Dropped: nobody wants the rest.
class ArchiveReader {
public:
    virtual ~ArchiveReader() = default;
    virtual Task<std::string> next() = 0;  // empty: the archive is complete
};
struct PathArchive {
    PathStat about;
    std::unique_ptr<ArchiveReader> reader;
};
struct ExtractOptions {
    bool keep_kinds = false;  // no directory is replaced by anything else, nor the other way round
    bool as_user = false;     // all belongs to the container's user
};

struct Created {
    std::string id;
    std::vector<std::string> warnings;
};

struct NewImage {
    std::string tag;  // full reference; empty: none
    std::string author, comment;
    std::vector<std::string> changes;  // Dockerfile instructions (image/image_config.h)
    Json process;                      // members of the image's "config" that are replaced; null: none
    image::Platform platform;          // of an import
    bool pause = true;                 // the container while it is read
};

// What a container takes on the disk, in bytes.
struct ContainerSize {
    std::uint64_t own = 0;    // what it has written
    std::uint64_t whole = 0;  // with its image
};

class Engine {
public:
    virtual ~Engine() = default;
    // Opens the store, re-adopts running containers, restores networks. Failures that touch one container are logged
    // and leave the others alone.
    static Result<std::unique_ptr<Engine>> open(boost::asio::any_io_executor loop, EngineOptions options);
    // Restart policies of containers that should run; system scope: starts the built-in services in dependency order.
    virtual Task<void> start_all() = 0;
    virtual Task<void> stop_all(int timeout_s) = 0;  // machine shutdown only
    virtual const EngineOptions& options() const = 0;

    // containers; `name`: name, id or unambiguous id prefix
    virtual Task<Created> create(std::string name, ContainerConfig config) = 0;
    virtual Task<void> start(std::string name) = 0;  // conflict with already_running(): 304
    virtual Task<void> stop(std::string name, std::optional<int> timeout_s, std::string signal) = 0;
    virtual Task<void> restart(std::string name, std::optional<int> timeout_s, std::string signal) = 0;
    virtual Task<void> kill(std::string name, std::string signal) = 0;
    virtual Task<void> pause(std::string name, bool paused) = 0;
    virtual Task<void> remove(std::string name, RemoveOptions options) = 0;
    virtual Task<void> remove_link(std::string name) = 0;  // "CONTAINER/ALIAS", of the default bridge
    virtual Task<void> rename(std::string name, std::string new_name) = 0;
    // `armed` runs once the waiter cannot miss the event any more: /wait flushes its headers then.
    virtual Task<WaitResult> wait(std::string name, WaitCondition condition, std::function<void()> armed) = 0;
    virtual Task<void> resize(std::string name, unsigned short rows, unsigned short columns) = 0;
    virtual Task<std::unique_ptr<Attachment>> attach(std::string name, AttachOptions options) = 0;
    virtual Task<std::unique_ptr<LogReader>> logs(std::string name, LogQuery query) = 0;
    virtual Result<Container> inspect(const std::string& name) = 0;
    virtual ContainerList containers() = 0;  // newest first
    virtual Task<ContainerSize> container_size(std::string name) = 0;
    virtual Task<ProcessTable> top(std::string name, std::string options) = 0;  // options of ps (process_list.h)
    virtual Task<std::vector<Change>> changes(std::string name) = 0;
    virtual Task<Stats> stats(std::string name) = 0;
    virtual Task<void> update(std::string name, Update update) = 0;

    // files, of a container that runs or does not (engine/file_view.h)
    virtual Task<PathStat> stat_path(std::string name, std::string path) = 0;
    virtual Task<PathArchive> read_archive(std::string name, std::string path) = 0;
    // Unpacks a tar archive, compressed or not, in the directory `path`.
    virtual Task<void> write_archive(std::string name, std::string path, Fd archive, ExtractOptions options) = 0;
    // Its root file system, without volumes and whatever else is mounted there.
    virtual Task<std::unique_ptr<ArchiveReader>> export_container(std::string name) = 0;

    // execs
    virtual Task<std::string> exec_create(std::string container, ExecConfig config) = 0;
    virtual Task<std::unique_ptr<Attachment>> exec_start(std::string id, bool detach, bool tty) = 0;  // null: detached
    virtual Task<void> exec_resize(std::string id, unsigned short rows, unsigned short columns) = 0;
    virtual Result<ExecState> exec_inspect(const std::string& id) = 0;

    // images
    virtual Task<image::Pulled> pull(image::Reference reference, image::Platform platform,
                                     std::optional<image::Credentials> credentials, image::ProgressSink progress) = 0;
    // All tags that a repository has in its registry.
    virtual Task<std::vector<std::string>> registry_tags(image::Reference repository,
                                                         std::optional<image::Credentials> credentials) = 0;
    virtual Task<std::vector<image::ImageRecord>> images() = 0;
    virtual Task<image::ImageRecord> image(std::string name) = 0;
    virtual Task<image::Store::Removed> remove_image(std::string name, bool force) = 0;
    // Removes what pulls left that did not come to their end, and whatever else of the store no image uses.
    virtual Task<void> collect_images() = 0;
    virtual Task<void> tag_image(std::string name, image::Reference reference) = 0;
    virtual Task<std::vector<std::string>> load_image(Fd archive, image::ProgressSink progress) = 0;
    virtual Task<std::unique_ptr<ArchiveReader>> save_images(std::vector<std::string> names) = 0;  // image/save.h
    virtual Task<image::Pushed> push(image::Reference reference, std::optional<image::Credentials> credentials,
                                     image::ProgressSink progress) = 0;
    virtual Task<image::Described> describe_image(image::Reference reference,
                                                  std::optional<image::Credentials> credentials) = 0;
    // A new image: a container's changes on top of its image, or an archive (compressed or not) as its only layer.
    virtual Task<image::Digest> commit(std::string container, NewImage options) = 0;
    virtual Task<image::Digest> import_image(Fd archive, NewImage options) = 0;
    virtual Task<image::Digest> import_url(std::string url, NewImage options, image::ProgressSink progress) = 0;
    virtual Task<std::map<image::Digest, std::uint64_t>> layer_sizes() = 0;  // bytes, by diff id
    virtual Task<void> check_login(std::string host, image::Credentials credentials) = 0;

    // networks and volumes
    virtual std::vector<NetworkRecord> networks() = 0;
    virtual Result<NetworkRecord> network(const std::string& name) = 0;  // name, id or unambiguous id prefix
    // `wanted`: name, driver, pools, flags, labels and options; the rest is filled in.
    virtual Task<NetworkRecord> create_network(NetworkRecord wanted) = 0;
    virtual Task<void> remove_network(std::string name) = 0;  // denied while running containers are on it
    virtual Task<void> connect_network(std::string network, std::string container, EndpointConfig config) = 0;
    virtual Task<void> disconnect_network(std::string network, std::string container, bool force) = 0;
    virtual std::vector<Volume> volumes() = 0;
    virtual Task<Volume> create_volume(std::string name, std::map<std::string, std::string> labels,
                                       std::map<std::string, std::string> driver_options) = 0;
    virtual Task<void> remove_volume(std::string name, bool force) = 0;
    virtual Task<std::uint64_t> volume_size(std::string name) = 0;  // bytes

    // Compares the records with what the kernel and the disk have (check.h). Changes nothing; may take seconds.
    virtual Task<CheckReport> check() = 0;

    // events: called for each one until the handle dies; `since` replays the last 1,024
    virtual std::shared_ptr<void> subscribe(std::int64_t since, std::function<void(const Event&)> handler) = 0;
    virtual std::size_t listeners() const = 0;
    virtual void pruned(std::string type, std::uint64_t bytes) = 0;  // tells of it: what was removed told of itself
};

// The error of start() on a running container and stop() on a stopped one: Docker answers 304, not an error.
Error not_modified(std::string what);
bool is_not_modified(const Error& error);

}  // namespace diatom::engine
