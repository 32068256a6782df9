#include "engine/size_limit.h"

#include <fcntl.h>

#include <random>

#include "sys/file.h"
#include "sys/log.h"
#include "sys/quota.h"

namespace diatom::engine {
namespace {

constexpr int kTries = 16;

Result<Fd> open_directory(const std::string& path) { return sys::open_path(path, O_RDONLY | O_DIRECTORY); }

std::string parent_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

// Another engine chooses on the same file system: what is free now is as good as ours, there are two thousand million.
Result<sys::Project> choose_project(FdRef directory) {
    std::random_device random;
    std::uniform_int_distribution<sys::Project> numbers(1U << 16U, (1U << 31U) - 1);
    for (int i = 0; i < kTries; ++i) {
        const auto project = numbers(random);
        if (TRY(sys::is_free(directory, project))) return project;
    }
    return fail(Kind::exhausted, "no free project number found in {} tries", kTries);
}

}  // namespace

void enforce_size_limits(const std::string& root) {
    const auto directory = open_directory(root);
    const auto done = directory ? sys::enforce_project_limits(*directory) : Result<void>(Failure(directory.error()));
    if (!done && done.error().kind() != Kind::unsupported)
        log::warning("limits of disk space are not enforced", {{"error", done.error().what()}});
}

Result<void> limit_size(const std::vector<std::string>& directories, std::uint64_t bytes) {
    std::vector<Fd> opened;
    for (const auto& path : directories) opened.push_back(TRY(open_directory(path)));
    if (auto enforced = sys::enforce_project_limits(opened.front()); !enforced) {
        return fail(
            enforced.error().kind(),
            "a limit of disk space needs project quotas, which {} is without ({}): a state partition that this "
            "version formats has them; an older one gets them unmounted, by tune2fs -O project,quota -Q prjquota",
            directories.front(), enforced.error().what());
    }
    auto project = TRY(sys::project_of(opened.front()));
    if (project == 0) project = TRY(choose_project(opened.front()));
    TRY(sys::limit_project(opened.front(), project, bytes), "limit the disk space of {}", directories.front());
    for (const auto& directory : opened) TRY(sys::set_project(directory, project));
    return {};
}

SizeLimitRelease::SizeLimitRelease(const std::string& directory) : survivor_(parent_of(parent_of(directory))) {
    if (const auto opened = open_directory(directory)) project_ = sys::project_of(*opened).value_or(0);
}

SizeLimitRelease::~SizeLimitRelease() {
    if (project_ == 0) return;
    const auto opened = open_directory(survivor_);
    const auto lifted = opened ? sys::limit_project(*opened, project_, 0) : Result<void>(Failure(opened.error()));
    if (!lifted) log::warning("a limit of disk space stays", {{"project", project_}, {"error", lifted.error().what()}});
}

}  // namespace diatom::engine
