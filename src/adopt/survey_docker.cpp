// The user Docker's part of a survey.
#include <fcntl.h>

#include <algorithm>
#include <array>
#include <format>

#include "adopt/survey.h"
#include "sys/file.h"

namespace diatom::adopt {
namespace {

constexpr std::size_t kMaxFile = 16U << 20U;
// From 1.4 on /var/lib/user-docker of the disk is /var/lib/docker for the containers; before, it was the same.
constexpr std::array<const char*, 2> kDockers{"var/lib/user-docker", "var/lib/docker"};

class Docker {
public:
    Docker(FdRef root, Survey& found) : root_(root), found_(found) {}

    void volumes() {
        const auto all = found_.docker + "/volumes";
        auto known = metadata(all + "/metadata.db");
        for (const auto& name : directories(all)) {
            FoundVolume volume{.volume = {.name = name}, .path = all + "/" + name + "/_data", .extent = {}};
            const auto said = known.extract(name);
            if (said) volume.volume = said.mapped();
            volume.volume.name = name;
            if (auto taken = take(std::move(volume), said.empty()); !taken)
                found_.left.push_back({"volume " + name, taken.error().what()});
        }
        for (const auto& [name, volume] : known)
            found_.left.push_back(
                {"volume " + name, std::format("it is of the driver {}: the engine here has local", volume.driver)});
    }

    void containers() {
        const auto all = found_.docker + "/containers";
        for (const auto& id : directories(all)) {
            const auto text = read(all + "/" + id + "/config.v2.json");
            const auto container = text ? read_container(*text) : Result<OldContainer>(Failure(text.error()));
            if (container) found_.containers.push_back(*container);
        }
        std::ranges::sort(found_.containers, {}, &OldContainer::name);
    }

    void images() {
        const auto all = found_.docker + "/image";
        for (const auto& driver : directories(all)) {
            const auto text = read(all + "/" + driver + "/repositories.json");
            const auto names = text ? read_image_names(*text) : Result<std::vector<std::string>>(Failure(text.error()));
            if (names) found_.images.insert(found_.images.end(), names->begin(), names->end());
        }
    }

private:
    Result<std::string> read(const std::string& path) const {
        const auto file = TRY(sys::open_in_root(root_, path, O_RDONLY | O_NONBLOCK));
        return sys::read_all(file, kMaxFile);
    }

    std::vector<std::string> directories(const std::string& path) const {
        const auto at = sys::open_in_root(root_, path, O_RDONLY | O_DIRECTORY);
        if (!at) return {};
        auto names = sys::list_dir_fd(*at).value_or(std::vector<std::string>());
        std::erase_if(names, [&](const std::string& name) {
            return !sys::open_at(*at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW);
        });
        std::ranges::sort(names);
        return names;
    }

    // Without it volumes have their data, and no labels.
    std::map<std::string, OldVolume> metadata(const std::string& path) {
        const auto bytes = read(path);
        if (!bytes && bytes.error().kind() == Kind::not_found) return {};
        auto known =
            bytes ? read_volume_metadata(*bytes) : Result<std::map<std::string, OldVolume>>(Failure(bytes.error()));
        if (known) return std::move(*known);
        found_.left.push_back({"labels of volumes", std::format("/{}: {}", path, known.error().what())});
        return {};
    }

    Result<void> take(FoundVolume volume, bool is_unknown) {
        if (volume.volume.driver != "local")
            return fail(Kind::unsupported, "it is of the driver {}: the engine here has local", volume.volume.driver);
        const auto options = found_.docker + "/volumes/" + volume.volume.name + "/opts.json";
        if (is_unknown && sys::open_in_root(root_, options, O_PATH))
            volume.volume.options = TRY(read_volume_options(TRY(read(options))));
        // Docker cannot limit volumes on ext4, so nothing was limited by it either.
        if (volume.volume.options.erase("size") > 0)
            found_.left.push_back({"limit of the volume " + volume.volume.name,
                                   "limits hold for new volumes: `docker volume create -o size=…`, and copy"});
        if (volume.volume.is_mount()) {
            volume.path.clear();
        } else {
            const auto data = TRY(sys::open_in_root(root_, volume.path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
            volume.extent = TRY(measure(data));
        }
        found_.volumes.push_back(std::move(volume));
        return {};
    }

    FdRef root_;
    Survey& found_;
};

}  // namespace

void survey_docker(FdRef root, const std::string& graph, Survey& found) {
    std::vector<std::string> places;
    // Of this one, the disk's name is among those below.
    if (graph.starts_with('/') && graph != "/var/lib/docker") places.push_back(graph.substr(1));
    places.insert(places.end(), kDockers.begin(), kDockers.end());
    const auto is_docker = [&](const std::string& place) {
        return sys::open_in_root(root, place + "/volumes", O_PATH | O_DIRECTORY).has_value() ||
               sys::open_in_root(root, place + "/image", O_PATH | O_DIRECTORY).has_value();
    };
    std::erase_if(places, [&](const auto& place) { return !is_docker(place); });
    if (places.empty()) return;
    found.docker = places.front();
    for (std::size_t i = 1; i < places.size(); ++i)
        found.left.push_back({"/" + places[i], std::format("an earlier Docker's: /{} was the last one's", places[0])});
    Docker docker(root, found);
    docker.volumes();
    docker.containers();
    docker.images();
}

}  // namespace diatom::adopt
