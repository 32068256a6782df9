// The files of containers: copied in and out, exported as a whole, compared with the image.
#include <fcntl.h>
#include <sys/statvfs.h>

#include <cerrno>

#include "base/strings.h"
#include "engine/engine_impl.h"
#include "engine/file_view.h"
#include "engine/spec_builder.h"
#include "engine/tree_diff.h"
#include "image/extract.h"
#include "image/tree_archive.h"
#include "runtime/runtime.h"
#include "sys/file.h"
#include "sys/mount.h"

namespace diatom::engine {

// A path of a container, both as the client named them.
struct Place {
    std::string container, path;
};

namespace {

constexpr std::size_t kPiece = 256U << 10U;  // bytes of an archive that are sent at once

// In Docker's words, by which its clients know that a destination is still to be made.
template <class T>
Result<T> found(Result<T> result, const Place& place) {
    if (result) return result;
    if (result.error().error_number() == ENOENT)
        return fail(Kind::not_found, "Could not find the file {} in container {}", place.path, place.container);
    if (result.error().error_number() == ENOTDIR)
        return fail(Kind::invalid, "{} in container {}: not a directory", place.path, place.container);
    return result;
}

Result<void> check_destination(FdRef root, const Place& place) {
    const Fd directory = TRY(found(sys::open_in_root(root, place.path, O_PATH), place));
    struct stat status{};
    if (::fstat(directory.raw(), &status) < 0) return fail_errno(errno, "look at {}", place.path);
    if (!S_ISDIR(status.st_mode)) return fail(Kind::invalid, "extraction point is not a directory: {}", place.path);
    struct statvfs about{};
    if (::fstatvfs(directory.raw(), &about) < 0) return fail_errno(errno, "look at {}", place.path);
    if ((about.f_flag & ST_RDONLY) == 0) return {};
    const bool on_root = TRY(sys::mount_of(directory)) == TRY(sys::mount_of(root));
    return fail(Kind::denied, "{} is marked read-only: {}", on_root ? "container rootfs" : "mounted volume",
                place.path);
}

Result<void> check_kinds(FdRef root, const image::TarEntry& entry) {
    const auto there = sys::open_in_root(root, "/" + entry.path, O_PATH | O_NOFOLLOW);
    struct stat status{};
    if (!there || ::fstat(there->raw(), &status) < 0) return {};
    const bool directory = entry.type == image::EntryType::directory;
    if (S_ISDIR(status.st_mode) == directory) return {};
    return fail(Kind::invalid, "cannot overwrite {} \"/{}\" with {}", directory ? "non-directory" : "directory",
                entry.path, directory ? "directory" : "non-directory");
}

struct Extraction {
    FdRef root;
    std::string below;  // relative; empty: the root
    ExtractOptions options;
    std::optional<runtime::User> owner;

    Result<std::optional<image::TarEntry>> operator()(const image::TarEntry& entry) const {
        if (entry.path.empty()) return std::nullopt;  // the destination keeps its owner and mode
        image::TarEntry moved = entry;
        moved.path = below + entry.path;
        if (moved.type == image::EntryType::hardlink) moved.link = below + entry.link;
        if (owner) {
            moved.uid = owner->uid;
            moved.gid = owner->gid;
        }
        if (options.keep_kinds) TRY(check_kinds(root, moved));
        return moved;
    }
};

Result<void> extract_into(FdRef root, const Place& place, const std::string& user, FdRef archive,
                          const ExtractOptions& options, const std::string& disk) {
    TRY(check_destination(root, place));
    // Links in the archive's paths are resolved in the container's root, as its own processes would.
    std::string below = TRY(image::normal_path(clean_path(place.path)));
    Extraction rewrite{.root = root, .below = below.empty() ? "" : below + "/", .options = options, .owner = {}};
    if (options.as_user && !user.empty()) rewrite.owner = TRY(runtime::resolve_user(root, user, {}));
    auto source = TRY(image::decompress(image::file_source(archive)));
    TRY(image::extract_tar(*source, root, image::Whiteouts::literal, {.directory = disk, .rewrite = rewrite}),
        "copy into {} of container {}", place.path, place.container);
    return {};
}

}  // namespace

// A view, and the lock where the container must not start beside it.
struct EngineImpl::OpenFiles {
    LivePtr live;
    std::optional<AsyncMutex::Guard> guard;
    FileView view;
};

class EngineImpl::LiveArchive final : public ArchiveReader {
public:
    LiveArchive(EngineImpl& engine, std::unique_ptr<image::ByteSource> source, std::shared_ptr<void> holds)
        : engine_(engine), holds_(std::move(holds)), source_(std::move(source)) {}
    Task<std::string> next() override {
        co_return co_await engine_.on_bulk([this]() -> Result<std::string> {
            std::string piece(kPiece, '\0');
            piece.resize(TRY(source_->read({reinterpret_cast<std::uint8_t*>(piece.data()), piece.size()})));
            return piece;
        });
    }

private:
    EngineImpl& engine_;
    std::shared_ptr<void> holds_;
    std::unique_ptr<image::ByteSource> source_;
};

std::unique_ptr<ArchiveReader> EngineImpl::reader_of(std::unique_ptr<image::ByteSource> source,
                                                     std::shared_ptr<void> holds) {
    return std::make_unique<LiveArchive>(*this, std::move(source), std::move(holds));
}

Task<std::shared_ptr<EngineImpl::OpenFiles>> EngineImpl::open_files(LivePtr live, Binds binds) {
    std::optional guard(co_await live->lock.lock());
    const Container container = live->record;
    if (live->removed || container.state.status == Status::removing)
        co_return fail(Kind::not_found, "No such container: {}", container.name);
    const bool running = container.state.process.pid != 0;
    if (!running && container.image.empty())
        co_return fail(Kind::conflict, "system container {} has files only while it runs: start it", container.name);
    auto view = co_await on_pool([&]() -> Result<FileView> {
        std::optional<image::RootFs> rootfs;
        if (!running) rootfs = TRY(parts_.store->rootfs(container.id));
        return FileView::open(container, rootfs, binds);
    });
    auto opened = CO_TRY(std::move(view));
    if (running) guard.reset();
    co_return std::make_shared<OpenFiles>(std::move(live), std::move(guard), std::move(opened));
}

Task<PathStat> EngineImpl::stat_path(std::string name, std::string path) {
    auto live = CO_TRY(find(name));
    auto opened = co_await shielded(open_files(live, Binds::shown));
    const auto files = CO_TRY(std::move(opened));
    co_return co_await on_pool(
        [&]() -> Result<PathStat> { return TRY(found(find_path(files->view.root(), path), Place{name, path})).about; });
}

Task<PathArchive> EngineImpl::read_archive(std::string name, std::string path) {
    auto live = CO_TRY(find(name));
    Place place{std::move(name), std::move(path)};
    co_return co_await shielded(read_archive_body(live, std::move(place)));
}

Task<PathArchive> EngineImpl::read_archive_body(LivePtr live, Place place) {
    auto opened = co_await open_files(live, Binds::shown);
    auto files = CO_TRY(std::move(opened));
    auto looked = co_await on_pool([&] { return found(find_path(files->view.root(), place.path), place); });
    auto start = CO_TRY(std::move(looked));
    events_.container(live->record, "archive-path", {{"path", place.path}});
    auto tree = std::make_unique<image::TreeArchive>(std::move(start.place), std::move(start.name), start.about.name);
    co_return PathArchive{std::move(start.about), reader_of(std::move(tree), std::move(files))};
}

Task<std::unique_ptr<ArchiveReader>> EngineImpl::export_container(std::string name) {
    auto live = CO_TRY(find(name));
    if (live->record.config.system_root || live->record.config.host_root) {
        co_return fail(Kind::unsupported, "container {} runs on the machine's own root file system: nothing to export",
                       live->record.name);
    }
    co_return co_await shielded(export_body(live));
}

Task<std::unique_ptr<ArchiveReader>> EngineImpl::export_body(LivePtr live) {
    auto opened = co_await open_files(live, Binds::left_out);
    auto files = CO_TRY(std::move(opened));
    Fd root = CO_TRY(sys::open_at(files->view.root(), ".", O_RDONLY | O_DIRECTORY));
    events_.container(live->record, "export");
    co_return reader_of(std::make_unique<image::TreeArchive>(std::move(root), std::string(), std::string()),
                        std::move(files));
}

Task<void> EngineImpl::write_archive(std::string name, std::string path, Fd archive, ExtractOptions options) {
    auto live = CO_TRY(find(name));
    Place place{std::move(name), std::move(path)};
    co_return co_await shielded(write_archive_body(live, std::move(place), std::move(archive), options));
}

Task<void> EngineImpl::write_archive_body(LivePtr live, Place place, Fd archive, ExtractOptions options) {
    auto opened = co_await open_files(live, Binds::shown);
    const auto files = CO_TRY(std::move(opened));
    const std::string user = live->record.user;
    auto extracted = co_await on_bulk([&]() -> Result<void> {
        // The archive's end of the pipe goes with the work: whoever feeds a failed one must not wait.
        const Fd source = std::move(archive);
        return extract_into(files->view.root(), place, user, source, options, options_.root);
    });
    CO_TRY(std::move(extracted));
    events_.container(live->record, "extract-to-dir", {{"path", place.path}});
    co_return Result<void>();
}

Task<std::vector<Change>> EngineImpl::changes(std::string name) {
    auto live = CO_TRY(find(name));
    const std::string id = live->record.id;
    if (live->record.image.empty()) co_return std::vector<Change>();
    co_return co_await on_bulk([&]() -> Result<std::vector<Change>> {
        // What starting a container makes of itself where the image lacks it.
        static const std::vector<std::string> kOurs = {"/dev",          "/proc",           "/sys", "/etc", "/etc/hosts",
                                                       "/etc/hostname", "/etc/resolv.conf"};
        const auto rootfs = TRY(parts_.store->rootfs(id));
        const Fd upper = TRY(sys::open_path(rootfs.upper, O_RDONLY | O_DIRECTORY));
        const Fd lower = TRY(open_image_view(rootfs));
        return diff_upper(upper, lower, kOurs);
    });
}

}  // namespace diatom::engine
