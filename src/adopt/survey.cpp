#include "adopt/survey.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <set>

#include "cloud/cloud_config.h"
#include "configure/hand_over.h"
#include "document/yaml_reader.h"
#include "machine/layers.h"
#include "machine/path.h"
#include "machine/store.h"
#include "sys/file.h"

namespace diatom::adopt {
namespace {

constexpr const char* kConf = "var/lib/rancher/conf";
constexpr std::array<const char*, 2> kPlaces{"home", "opt"};
constexpr int kMaxDepth = 512;

class Measure {
public:
    Result<void> directory(FdRef at, int depth) {
        if (depth > kMaxDepth) return fail(Kind::invalid, "directories are nested deeper than {} levels", kMaxDepth);
        struct stat about{};
        if (::fstat(at.raw(), &about) < 0) return fail_errno(errno, "stat");
        count(about);
        for (const auto& name : TRY(sys::list_dir_fd(at))) {
            if (::fstatat(at.raw(), name.c_str(), &about, AT_SYMLINK_NOFOLLOW) < 0)
                return fail_errno(errno, "stat {}", name);
            if (!S_ISDIR(about.st_mode)) {
                if (about.st_nlink < 2 || linked_.insert(about.st_ino).second) count(about);
                continue;
            }
            const Fd below = TRY(sys::open_at(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW), "{}", name);
            TRY(directory(below, depth + 1), "{}", name);
        }
        return {};
    }
    const Extent& extent() const { return extent_; }

private:
    void count(const struct stat& about) {
        constexpr std::uint64_t kBlock = 512;
        extent_.add({static_cast<std::uint64_t>(about.st_blocks) * kBlock, 1});
    }
    Extent extent_;
    std::set<ino_t> linked_;
};

std::vector<std::string> names_in(FdRef root, const std::string& path) {
    const auto directory = sys::open_in_root(root, path, O_RDONLY | O_DIRECTORY);
    if (!directory) return {};
    auto names = sys::list_dir_fd(*directory).value_or(std::vector<std::string>());
    std::ranges::sort(names);
    return names;
}

Result<std::string> read_text(FdRef root, const std::string& path) {
    const auto file = TRY(sys::open_in_root(root, path, O_RDONLY | O_NONBLOCK));
    return sys::read_all(file, kMaxDocument + 1);
}

}  // namespace

Result<Extent> measure(FdRef directory) {
    Measure all;
    TRY(all.directory(directory, 0));
    return all.extent();
}

Extent Survey::extent() const {
    Extent all;
    for (const auto& volume : volumes) all.add(volume.extent);
    for (const auto& entry : entries) all.add(entry.extent);
    return all;
}

// As RancherOS reads them: every file of the directory that is not hidden, by name, then the one that `ros config` has
// changed.
void survey_configuration(FdRef root, Survey& found, std::string& graph) {
    const auto options = configure::options_of_machine();
    std::vector<std::string> files;
    for (const auto& name : names_in(root, std::string(kConf) + "/cloud-config.d")) {
        if (!name.starts_with('.')) files.push_back(std::string(kConf) + "/cloud-config.d/" + name);
    }
    files.push_back(std::string(kConf) + "/cloud-config.yml");
    for (const auto& file : files) {
        const auto text = read_text(root, file);
        if (!text && text.error().kind() == Kind::not_found) continue;
        const auto config = text ? machine::read_document(*text, "/" + file) : Result<Value>(Failure(text.error()));
        if (!config) {
            found.left.push_back({"/" + file, config.error().what()});
            continue;
        }
        if (auto path = config->at("rancher").at("docker").text_of("graph"); !path.empty()) graph = std::move(path);
        auto translated = cloud::translate_cloud_config(*config, options);
        for (const auto& warning : translated.warnings) found.warnings.push_back(warning.text);
        found.configuration = machine::merge(std::move(found.configuration), translated.document);
    }
    if (sys::open_in_root(root, std::string(kConf) + "/cloud-config-script", O_PATH))
        found.left.push_back({"/" + std::string(kConf) + "/cloud-config-script",
                              "a script of the first boot, which has been: what it did is to be said in the "
                              "configuration"});
}

void survey_entries(FdRef root, Survey& found) {
    for (const auto* place : kPlaces) {
        for (const auto& name : names_in(root, place)) {
            const auto path = std::string(place) + "/" + name;
            const auto there = sys::open_in_root(root, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
            if (!there) {
                if (there.error().error_number() == ENOTDIR || there.error().error_number() == ELOOP)
                    found.left.push_back({"/" + path, "it is no directory: copy it by hand"});
                else found.left.push_back({"/" + path, there.error().what()});
                continue;
            }
            const auto extent = measure(*there);
            if (extent) found.entries.push_back({path, *extent});
            else found.left.push_back({"/" + path, extent.error().what()});
        }
    }
}

Result<Survey> survey(FdRef root) {
    Survey found;
    std::string graph;
    const bool is_rancher = sys::open_in_root(root, kConf, O_PATH | O_DIRECTORY).has_value();
    survey_configuration(root, found, graph);
    survey_docker(root, graph, found);
    if (!is_rancher && found.docker.empty())
        return fail(Kind::not_found, "there is nothing of RancherOS on it: neither /{} nor the user Docker's files",
                    kConf);
    survey_entries(root, found);
    return found;
}

}  // namespace diatom::adopt
