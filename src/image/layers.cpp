#include "image/layers.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "image/extract.h"
#include "image/layer_recipe.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/log.h"

namespace diatom::image {
namespace {

// Counts and tells how much of the blob was read, as it goes by.
class ReportingSource final : public ByteSource {
public:
    ReportingSource(std::unique_ptr<ByteSource> blob, std::string label, std::uint64_t total, const ProgressSink& sink,
                    std::atomic<std::uint64_t>& passed)
        : inner_(std::move(blob)), label_(std::move(label)), total_(total), sink_(sink), passed_(passed) {}

    Result<std::size_t> read(std::span<std::uint8_t> buffer) override {
        const auto size = TRY(inner_->read(buffer));
        passed_ += size;
        if (sink_ && size > 0) sink_({label_, "Extracting", passed_, total_});
        return size;
    }
    void interrupt() override { inner_->interrupt(); }

private:
    std::unique_ptr<ByteSource> inner_;
    std::string label_;
    std::uint64_t total_;
    const ProgressSink& sink_;
    std::atomic<std::uint64_t>& passed_;
};

// The digest and the recipe of the inflated layer, taken on the thread that inflates.
class LayerExaminer final : public ByteExaminer {
public:
    LayerExaminer(std::string_view algorithm, Fd recipe) : hasher_(algorithm), recipe_(std::move(recipe)) {}
    Result<void> examine(std::span<const std::uint8_t> bytes) override {
        hasher_.update(bytes);
        return recipe_.examine(bytes);
    }
    Result<Digest> finish() {
        TRY(recipe_.finish());
        return hasher_.finish();
    }

private:
    Hasher hasher_;
    RecipeWriter recipe_;
};

// A temporary directory that goes unless it was handed on.
class Scratch {
public:
    explicit Scratch(std::string path) : path_(std::move(path)) {}
    ~Scratch() {
        if (path_.empty()) return;
        if (auto removed = sys::remove_tree(path_); !removed)
            log::warning("leftovers of a failed unpacking stay until the next start",
                         {{"error", removed.error().what()}});
    }
    Scratch(const Scratch&) = delete;
    const std::string& path() const { return path_; }
    void keep() { path_.clear(); }

private:
    std::string path_;
};

}  // namespace

Result<void> Layers::open() { return sys::make_dirs(root_ + "/layers", 0711); }

std::string Layers::directory(const Digest& diff_id) const { return std::format("{}/layers/{}", root_, diff_id.hex()); }
std::string Layers::path(const Digest& diff_id) const { return directory(diff_id) + "/fs"; }

bool Layers::has(const Digest& diff_id) { return catalog_.has_layer(diff_id).value_or(false); }

Result<void> Layers::unpack(Work work) {
    const Digest diff_id = work.diff_id;
    {
        std::unique_lock lock(mutex_);
        done_.wait(lock, [&] { return !in_work_.contains(diff_id); });
        if (has(diff_id)) return {};
        in_work_.insert(diff_id);
    }
    auto unpacked = unpack_once(std::move(work));
    {
        const std::lock_guard lock(mutex_);
        in_work_.erase(diff_id);
    }
    done_.notify_all();
    return unpacked;
}

Result<void> Layers::unpack_once(Work work) {
    const auto& diff_id = work.diff_id;
    Scratch scratch(std::format("{}/ingest/layer-{}-{}", root_, diff_id.hex(), sys::monotonic_ns()));
    TRY(sys::make_dirs(scratch.path() + "/fs", 0755));
    const auto root = TRY(sys::open_path(scratch.path() + "/fs", O_RDONLY | O_DIRECTORY));

    std::atomic<std::uint64_t> passed = 0;
    LayerExaminer examiner(diff_id.algorithm(),
                           TRY(sys::open_path(scratch.path() + "/recipe", O_WRONLY | O_CREAT | O_EXCL, 0600)));
    auto reported =
        std::make_unique<ReportingSource>(std::move(work.archive), work.label, work.size, work.progress, passed);
    auto inflated = TRY(decompress(std::move(reported)), "unpack the layer");
    const auto source = read_ahead(limit_inflation(std::move(inflated), passed, limit_), examiner);
    const ExtractLimits limits{.directory = root_, .cancelled = work.cancelled};
    const auto extracted = TRY(extract_tar(*source, root, Whiteouts::overlay, limits), "unpack the layer");
    const auto found = TRY(examiner.finish(), "unpack the layer");
    if (found != diff_id)
        return fail(Kind::corrupt, "the layer unpacks to {} where the image says {}", found.text(), diff_id.text());
    TRY(work.verified());

    if (::syncfs(root.raw()) != 0) return fail_errno(errno, "write the layer to the disk");
    TRY(sys::remove_tree(directory(diff_id)));  // of a crash between the rename and the record
    TRY(sys::rename_path(scratch.path(), directory(diff_id)));
    scratch.keep();
    TRY(sys::sync_dir(root_ + "/layers"));
    return catalog_.add_layer({diff_id, extracted.bytes, work.kept_until});
}

Result<std::string> Layers::detach(const Digest& diff_id) {
    TRY(catalog_.forget_layer(diff_id));
    auto doomed = std::format("{}/ingest/removed-{}-{}", root_, diff_id.hex(), sys::monotonic_ns());
    if (auto moved = sys::rename_path(directory(diff_id), doomed); !moved && moved.error().kind() != Kind::not_found)
        return forward_error(std::move(moved));
    return doomed;
}

Result<void> Layers::reconcile() {
    std::set<std::string> known;
    for (const auto& layer : TRY(catalog_.layers())) {
        if (sys::exists(path(layer.diff_id))) known.emplace(layer.diff_id.hex());
        else TRY(catalog_.forget_layer(layer.diff_id));
    }
    for (const auto& name : TRY(sys::list_dir(root_ + "/layers"))) {
        if (!known.contains(name)) TRY(sys::remove_tree(root_ + "/layers/" + name));
    }
    return {};
}

}  // namespace diatom::image
