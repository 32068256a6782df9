// The engine's body, in parts: open.cpp (opening, re-adoption), create.cpp, start.cpp, log_upkeep.cpp, exit.cpp,
// stop.cpp, remove.cpp, exec.cpp, health_watch.cpp, files.cpp, views.cpp (reading), images.cpp, image_make.cpp,
// import_url.cpp, update.cpp, services.cpp, network_ops.cpp, link_ops.cpp, check.cpp. Thread side: the loop's thread,
// except where a member says "worker".
//
// Locks: `Live::lock` is held by start, remove, rename, pause and the exit handler while they change a container; stop
// and kill only signal, and wait for the exit handler without it. Client calls that change something are shielded from
// the cancellation of their caller.
#pragma once

#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <map>
#include <memory>

#include "config/services.h"
#include "engine/check_world.h"
#include "engine/engine.h"
#include "engine/events.h"
#include "engine/launcher.h"
#include "engine/live.h"
#include "engine/memory_watch.h"
#include "engine/name_service.h"
#include "engine/networks.h"
#include "engine/records.h"
#include "engine/volume_mounts.h"
#include "image/registry.h"
#include "proc/supervisor.h"

namespace diatom::engine {

// What the engine is made of; tests put fakes in.
struct Parts {
    std::unique_ptr<image::Store> store;
    std::unique_ptr<image::Registry> registry;
    std::unique_ptr<net::Network> network;  // null: no bridge
    std::unique_ptr<Launcher> launcher;
    proc::Supervisor supervisor;
    // For what may take minutes (unpacking, loading): starting a container must not wait behind it.
    std::unique_ptr<asio::thread_pool> bulk;
};

// Whether the restart policy brings back what has ended as the record says, whoever ended it.
bool policy_wants(const Container& container);

enum class Binds : std::uint8_t;  // file_view.h

class EngineImpl final : public Engine {
public:
    using Workers = asio::thread_pool;
    EngineImpl(asio::any_io_executor loop, EngineOptions options, Records records, std::unique_ptr<Workers> workers,
               Parts parts);
    ~EngineImpl() override;
    Result<void> restore();  // before the loop runs; blocks

    Task<void> start_all() override;
    Task<void> stop_all(int timeout_s) override;
    const EngineOptions& options() const override { return options_; }

    Task<Created> create(std::string name, ContainerConfig config) override;
    Task<void> start(std::string name) override;
    Task<void> stop(std::string name, std::optional<int> timeout_s, std::string signal) override;
    Task<void> restart(std::string name, std::optional<int> timeout_s, std::string signal) override;
    Task<void> kill(std::string name, std::string signal) override;
    Task<void> pause(std::string name, bool paused) override;
    Task<void> remove(std::string name, RemoveOptions options) override;
    Task<void> remove_link(std::string name) override;
    Task<void> rename(std::string name, std::string new_name) override;
    Task<WaitResult> wait(std::string name, WaitCondition condition, std::function<void()> armed) override;
    Task<void> resize(std::string name, unsigned short rows, unsigned short columns) override;
    Task<std::unique_ptr<Attachment>> attach(std::string name, AttachOptions options) override;
    Task<std::unique_ptr<LogReader>> logs(std::string name, LogQuery query) override;
    Result<Container> inspect(const std::string& name) override;
    ContainerList containers() override;
    Task<ContainerSize> container_size(std::string name) override;
    Task<ProcessTable> top(std::string name, std::string options) override;
    Task<std::vector<Change>> changes(std::string name) override;
    Task<Stats> stats(std::string name) override;
    Task<void> update(std::string name, Update update) override;

    Task<PathStat> stat_path(std::string name, std::string path) override;
    Task<PathArchive> read_archive(std::string name, std::string path) override;
    Task<void> write_archive(std::string name, std::string path, Fd archive, ExtractOptions options) override;
    Task<std::unique_ptr<ArchiveReader>> export_container(std::string name) override;

    Task<std::string> exec_create(std::string container, ExecConfig config) override;
    Task<std::unique_ptr<Attachment>> exec_start(std::string id, bool detach, bool tty) override;
    Task<void> exec_resize(std::string id, unsigned short rows, unsigned short columns) override;
    Result<ExecState> exec_inspect(const std::string& id) override;

    Task<image::Pulled> pull(image::Reference reference, image::Platform platform,
                             std::optional<image::Credentials> credentials, image::ProgressSink progress) override;
    Task<std::vector<std::string>> registry_tags(image::Reference repository,
                                                 std::optional<image::Credentials> credentials) override;
    Task<std::vector<image::ImageRecord>> images() override;
    Task<image::ImageRecord> image(std::string name) override;
    Task<image::Store::Removed> remove_image(std::string name, bool force) override;
    Task<void> collect_images() override;
    Task<void> tag_image(std::string name, image::Reference reference) override;
    Task<std::vector<std::string>> load_image(Fd archive, image::ProgressSink progress) override;
    Task<std::unique_ptr<ArchiveReader>> save_images(std::vector<std::string> names) override;
    Task<image::Pushed> push(image::Reference reference, std::optional<image::Credentials> credentials,
                             image::ProgressSink progress) override;
    Task<image::Described> describe_image(image::Reference reference,
                                          std::optional<image::Credentials> credentials) override;
    Task<image::Digest> commit(std::string container, NewImage options) override;
    Task<image::Digest> import_image(Fd archive, NewImage options) override;
    Task<image::Digest> import_url(std::string url, NewImage options, image::ProgressSink progress) override;
    Task<std::map<image::Digest, std::uint64_t>> layer_sizes() override;
    Task<void> check_login(std::string host, image::Credentials credentials) override;

    std::vector<NetworkRecord> networks() override { return network_records_; }
    Result<NetworkRecord> network(const std::string& name) override;
    Task<NetworkRecord> create_network(NetworkRecord wanted) override;
    Task<void> remove_network(std::string name) override;
    Task<void> connect_network(std::string network, std::string container, EndpointConfig config) override;
    Task<void> disconnect_network(std::string network, std::string container, bool force) override;
    std::vector<Volume> volumes() override { return volumes_; }
    Task<Volume> create_volume(std::string name, std::map<std::string, std::string> labels,
                               std::map<std::string, std::string> driver_options) override;
    Task<void> remove_volume(std::string name, bool force) override;
    Task<std::uint64_t> volume_size(std::string name) override;
    std::shared_ptr<void> subscribe(std::int64_t since, std::function<void(const Event&)> handler) override;
    std::size_t listeners() const override { return events_.listeners(); }
    void pruned(std::string type, std::uint64_t bytes) override;
    Task<CheckReport> check() override;

private:
    using Pool = Workers::executor_type;
    using Strand = asio::strand<Pool>;
    struct StartUp;  // start.cpp

    // finding
    Result<LivePtr> find(const std::string& name) const;
    Result<ExecPtr> find_exec(const std::string& id) const;
    std::string run_directory(const std::string& id) const { return options_.run + "/containers/" + id; }
    std::string data_directory(const std::string& id) const { return options_.root + "/containers/" + id; }
    std::string cgroup_of(const std::string& id) const;
    LivePtr add_live(Container record);

    // records: durable when they return
    Task<void> save(LivePtr live);  // the record as it is now
    Task<void> save_new(const Container& container, const std::vector<Volume>& made);
    Task<void> finish_volumes(const std::vector<Volume>& made);  // whose records are written

    // create.cpp
    Result<void> inherit_volumes(ContainerConfig& config) const;
    Result<void> prepare_image_mounts(Container& container);  // worker
    std::vector<Volume> used_volumes(const Container& container) const;
    std::vector<Volume> optioned_volumes(const Container& container) const;  // those of them that have options
    Task<Created> create_body(std::string name, ContainerConfig config);
    Task<void> prepare_image(Container& container);
    Task<void> fill_volumes(const Container& container);
    Task<void> undo_create(Container container, std::vector<Volume> made);

    // start.cpp
    Task<void> start_body(LivePtr live, bool by_user);
    Task<void> start_locked(LivePtr live);
    Task<void> try_start(LivePtr live, StartUp& up);
    Result<void> launch_worker(StartUp& up);  // worker
    Result<void> join_namespaces(const Container& container, struct SpecInputs& inputs) const;
    asio::awaitable<void> start_failed(LivePtr live, StartUp& up, const Error& error);
    void watch(const LivePtr& live, Fd pidfd);

    // log_upkeep.cpp
    Result<void> open_log(Live& live);
    std::function<void()> when_logged(const LivePtr& live);
    asio::awaitable<void> compress_rotated(LivePtr live, RotatedLog rotated);

    // exit.cpp
    static asio::awaitable<bool> await_end(asio::posix::stream_descriptor& pidfd);
    asio::awaitable<void> watch_exit(LivePtr live, std::shared_ptr<asio::posix::stream_descriptor> pidfd,
                                     sys::ProcessId process);
    // How it ended, without reaping it.
    asio::awaitable<WaitResult> exit_status(FdRef pidfd, sys::ProcessId process);
    asio::awaitable<void> on_exit(LivePtr live, sys::ProcessId process, WaitResult result);
    asio::awaitable<void> give_back(const std::string& id, std::uint64_t* memory_kills);
    asio::awaitable<void> forget_run(const std::string& id);
    std::optional<std::chrono::milliseconds> restart_delay(Live& live) const;
    asio::awaitable<void> restart_later(LivePtr live, std::chrono::milliseconds delay, std::uint64_t ticket);

    // memory_watch.cpp
    void watch_memory(const LivePtr& live);
    void adopt_memory(const LivePtr& live);
    asio::awaitable<void> memory_changed(LivePtr live);

    // health_watch.cpp
    void begin_health(const LivePtr& live);
    void end_health(Live& live);
    void adopt_health(const LivePtr& live);
    asio::awaitable<bool> health_pause(LivePtr live, std::uint64_t run, std::chrono::nanoseconds duration);
    asio::awaitable<void> watch_health(LivePtr live, std::uint64_t run);
    asio::awaitable<void> keep_health(LivePtr live);
    asio::awaitable<HealthResult> probe_health(LivePtr live, HealthCheck check);

    // stop.cpp
    Task<void> stop_body(LivePtr live, std::optional<int> timeout_s, std::string signal);
    Task<void> kill_body(LivePtr live, int signal);
    Task<void> end_body(LivePtr live, std::uint64_t exits);
    asio::awaitable<void> await_recorded(LivePtr live);
    Result<void> signal_live(Live& live, int signal);
    asio::awaitable<bool> await_exit(LivePtr live, std::uint64_t exits, std::optional<std::chrono::nanoseconds> limit);
    asio::awaitable<void> stop_wave(std::vector<std::pair<LivePtr, std::string>> wave, int timeout_s);
    Task<void> restart_body(LivePtr live, std::optional<int> timeout_s, std::string signal);
    Task<void> pause_body(LivePtr live, bool paused);

    // remove.cpp
    Task<void> remove_body(LivePtr live, RemoveOptions options);
    Task<void> erase(LivePtr live, bool volumes);
    Result<void> remove_own_files(const Container& container);  // worker
    Task<void> rename_body(LivePtr live, std::string new_name);
    Task<Volume> add_volume(Volume volume);
    Task<void> remove_volume_body(std::string name, bool force);

    // files.cpp
    struct OpenFiles;
    class LiveArchive;
    Task<std::shared_ptr<OpenFiles>> open_files(LivePtr live, Binds binds);
    Task<PathArchive> read_archive_body(LivePtr live, struct Place place);
    Task<std::unique_ptr<ArchiveReader>> export_body(LivePtr live);
    std::unique_ptr<ArchiveReader> reader_of(std::unique_ptr<image::ByteSource> source, std::shared_ptr<void> holds);
    Task<void> write_archive_body(LivePtr live, struct Place place, Fd archive, ExtractOptions options);

    // update.cpp
    Task<void> update_body(LivePtr live, Update update);

    // image_make.cpp
    Task<image::Digest> commit_body(LivePtr live, NewImage options);
    // `whole`: set before the archive ends, where its end alone does not say that it is complete.
    Task<image::Digest> import_from(Fd archive, NewImage options, std::shared_ptr<const std::atomic<bool>> whole);

    // check.cpp
    CheckedState checked_state() const;
    asio::awaitable<CheckReport> check_once();
    asio::awaitable<void> check_records(const CheckedState& state, CheckReport& report);

    // network_ops.cpp
    Task<NetworkRecord> create_network_body(NetworkRecord wanted);
    Task<void> remove_network_body(NetworkRecord record);
    Task<void> connect_body(NetworkRecord network, LivePtr live, EndpointConfig config);
    Task<void> disconnect_body(NetworkRecord network, LivePtr live, bool force);
    Task<void> join_running(LivePtr live, Container& next, const EndpointConfig& config);
    Task<void> leave_running(LivePtr live, Container& next, const std::string& network, bool force);
    Task<void> open_resolver(const Container& container);
    void watch_rules();
    asio::awaitable<void> keep_rules(std::shared_ptr<asio::posix::stream_descriptor> changes);
    void network_event(const NetworkRecord& network, std::string action, const std::string& container = {});
    void endpoint_events(const Container& container, const char* action);

    // link_ops.cpp
    Result<void> find_links(Container& container) const;
    Result<void> follow_links(Container& next) const;
    asio::awaitable<void> update_linked(std::string id);
    asio::awaitable<void> keep_links(LivePtr live, const Container& next);
    Task<void> remove_link_body(std::string name);

    // exec.cpp
    struct ExecUp;
    Task<void> exec_body(ExecPtr exec, LivePtr live);
    Result<void> exec_worker(ExecUp& up);  // worker
    asio::awaitable<void> watch_exec(ExecPtr exec, LivePtr live, Fd pidfd, sys::ProcessId process);

    // open.cpp
    void limit_again();
    void restore_logs();
    Result<void> restore_one(const LivePtr& live);
    void ended_with_machine(const LivePtr& live);
    void remove_later(const LivePtr& live);
    Result<void> adopt(const LivePtr& live, Fd pidfd);
    Result<void> adopt_resolver(const Container& container);

    // services.cpp
    struct ServiceBoard;
    struct ServiceEntry;
    Task<void> start_services();
    asio::awaitable<void> remove_former_services(const std::vector<config::SystemService>& services);
    asio::awaitable<void> run_service(std::shared_ptr<ServiceBoard> board, std::string name);
    Task<void> follow_service(std::shared_ptr<ServiceBoard> board, ServiceEntry& entry);
    Task<void> await_dependency(std::shared_ptr<ServiceBoard> board, config::Dependency dependency);
    Task<std::string> ensure_service(const config::SystemService& service);
    Task<void> await_healthy(const config::SystemService& service);
    Task<int> run_check(const config::SystemService& service);
    asio::awaitable<void> mark(std::string what);

    template <class Work>
    auto on_pool(Work work) {
        return on_worker(workers_->get_executor(), std::move(work));
    }
    template <class Work>
    auto on_bulk(Work work) {
        return on_worker(parts_.bulk->get_executor(), std::move(work));
    }
    template <class Work>
    auto on_records(Work work) {
        return on_worker(record_strand_, std::move(work));
    }
    template <class Work>
    auto on_network(Work work) {
        return on_worker(network_strand_, std::move(work));
    }
    void spawn(asio::awaitable<void> body);

    asio::any_io_executor loop_;
    EngineOptions options_;
    std::unique_ptr<Workers> workers_;  // joined by the destructor before anything else goes
    Strand record_strand_, network_strand_;
    Records records_;    // on record_strand_
    Networks networks_;  // on network_strand_
    Parts parts_;
    Events events_;
    NameService name_service_;
    MemoryWatch memory_watch_;
    std::vector<NetworkRecord> network_records_;
    std::vector<Volume> volumes_;
    VolumeMounts volume_mounts_;
    std::unique_ptr<LogBatch> log_batch_;        // null without PID 1
    std::map<std::string, LivePtr> containers_;  // by id
    std::map<std::string, std::string> names_;   // name -> id; reserved before the container exists
    std::map<std::string, ExecPtr> execs_;
    Tally image_work_;  // what changes images just now
    bool stopping_ = false;
};

}  // namespace diatom::engine
