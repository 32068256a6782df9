// Images, networks, volumes, execs and paths as Docker's JSON.
#include <sys/stat.h>

#include "api/encode.h"
#include "base/strings.h"
#include "sys/clock.h"

namespace diatom::api {
namespace {

Json familiar_names(const std::vector<std::string>& names) {
    Json list = Json::array();
    for (const auto& name : names) {
        const auto reference = image::Reference::parse(name);
        list.push_back(reference ? reference->familiar() : name);
    }
    return list;
}

Json object_of(const std::vector<std::string>& keys) {
    if (keys.empty()) return nullptr;
    Json object = Json::object();
    for (const auto& key : keys) object[key] = Json::object();
    return object;
}

Json null_if_empty(const std::vector<std::string>& list) { return list.empty() ? Json(nullptr) : Json(list); }

Json encode_pool(const net::Pool& pool) {
    Json body{{"Subnet", pool.subnet.text()}};
    if (!pool.range.base.empty()) body["IPRange"] = pool.range.text();
    if (!pool.gateway.empty()) body["Gateway"] = pool.gateway.text();
    for (const auto& [name, address] : pool.reserved) body["AuxiliaryAddresses"][name] = address.text();
    return body;
}

}  // namespace

Json encode_image_config(const image::ImageConfig& config) {
    Json body{{"User", config.user},
              {"ExposedPorts", object_of(config.exposed_ports)},
              {"Env", null_if_empty(config.env)},
              {"Cmd", null_if_empty(config.cmd)},
              {"Volumes", object_of(config.volumes)},
              {"WorkingDir", config.working_dir},
              {"Entrypoint", null_if_empty(config.entrypoint)},
              {"OnBuild", nullptr},
              {"Labels", config.labels.empty() ? Json(nullptr) : Json(config.labels)}};
    if (!config.stop_signal.empty()) body["StopSignal"] = config.stop_signal;
    if (!config.healthcheck.is_null()) body["Healthcheck"] = config.healthcheck;
    if (!config.shell.empty()) body["Shell"] = config.shell;
    return body;
}

Json encode_image(const image::ImageRecord& image) {
    Json layers = Json::array();
    for (const auto& id : image.config.diff_ids) layers.push_back(id.text());
    Json body{{"Id", image.id.text()},
              {"RepoTags", familiar_names(image.tags)},
              {"RepoDigests", familiar_names(image.repo_digests)},
              {"Parent", ""},
              {"Comment", image.config.comment},
              {"Created", image.config.created.empty() ? Json("0001-01-01T00:00:00Z") : Json(image.config.created)},
              {"DockerVersion", image.config.docker_version},
              {"Author", image.config.author},
              {"Config", encode_image_config(image.config)},
              {"Architecture", image.config.platform.architecture},
              {"Os", image.config.platform.os},
              {"Size", image.size},
              {"GraphDriver", {{"Name", "overlay2"}, {"Data", Json::object()}}},
              {"RootFS", {{"Type", "layers"}, {"Layers", layers}}},
              {"Metadata", {{"LastTagTime", "0001-01-01T00:00:00Z"}}}};
    if (!image.config.platform.variant.empty()) body["Variant"] = image.config.platform.variant;
    return body;
}

Json encode_history(const image::ImageRecord& image, const std::map<image::Digest, std::uint64_t>& sizes) {
    Json rows = Json::array();
    if (!image.config.history.is_array()) return rows;
    auto layer = image.config.diff_ids.begin();
    for (const auto& step : image.config.history) {
        std::uint64_t size = 0;
        if (!json_bool(step, "empty_layer").value_or(false) && layer != image.config.diff_ids.end()) {
            const auto known = sizes.find(*layer++);
            if (known != sizes.end()) size = known->second;
        }
        const auto created = sys::parse_rfc3339(json_string(step, "created").value_or("")).value_or(0);
        rows.insert(rows.begin(), Json{{"Id", "<missing>"},
                                       {"Created", created / 1'000'000'000},
                                       {"CreatedBy", json_string(step, "created_by").value_or("")},
                                       {"Comment", json_string(step, "comment").value_or("")},
                                       {"Size", size},
                                       {"Tags", nullptr}});
    }
    if (rows.empty()) return rows;
    rows.front()["Id"] = image.id.text();
    rows.front()["Tags"] = familiar_names(image.tags);
    return rows;
}

Json encode_image_row(const image::ImageRecord& image, std::int64_t containers) {
    return {{"Id", image.id.text()},
            {"ParentId", ""},
            {"RepoTags", familiar_names(image.tags)},
            {"RepoDigests", familiar_names(image.repo_digests)},
            {"Created", image.created},
            {"Size", image.size},
            {"SharedSize", -1},
            {"Labels", image.config.labels.empty() ? Json(nullptr) : Json(image.config.labels)},
            {"Containers", containers}};
}

Json encode_network(const engine::NetworkRecord& network, const engine::ContainerList& containers) {
    Json pools = Json::array();
    for (const auto& pool : network.pools) pools.push_back(encode_pool(pool));
    Json members = Json::object();
    for (const auto& container : containers) {
        if (container.state.process.pid == 0) continue;
        for (const auto& endpoint : container.endpoints) {
            if (endpoint.network != network.name) continue;
            members[container.id] = {
                {"Name", container.name},
                {"EndpointID", endpoint.endpoint_id},
                {"MacAddress", endpoint.mac},
                {"IPv4Address",
                 endpoint.ip4.empty() ? "" : std::format("{}/{}", endpoint.ip4.text(), endpoint.prefix4)},
                {"IPv6Address",
                 endpoint.ip6.empty() ? "" : std::format("{}/{}", endpoint.ip6.text(), endpoint.prefix6)}};
        }
    }
    return {{"Name", network.name},
            {"Id", network.id},
            {"Created", encode_time(network.created)},
            {"Scope", "local"},
            {"Driver", network.driver},
            {"EnableIPv4", network.ipv4},
            {"EnableIPv6", network.ipv6},
            {"IPAM",
             {{"Driver", "default"},
              {"Options", network.ipam_options.empty() ? Json(nullptr) : Json(network.ipam_options)},
              {"Config", pools}}},
            {"Internal", network.internal},
            {"Attachable", network.attachable},
            {"Ingress", false},
            {"ConfigFrom", {{"Network", network.config_from}}},
            {"ConfigOnly", network.config_only},
            {"Containers", members},
            {"Options", network.options},
            {"Labels", network.labels}};
}

Json encode_volume(const engine::Volume& volume) {
    return {{"Name", volume.name},
            {"Driver", volume.driver},
            {"Mountpoint", volume.mountpoint},
            {"CreatedAt", encode_time(volume.created)},
            {"Labels", volume.labels.empty() ? Json(nullptr) : Json(volume.labels)},
            {"Options", volume.options.empty() ? Json(nullptr) : Json(volume.options)},
            {"Scope", "local"}};
}

Json encode_exec(const engine::ExecState& exec) {
    const auto& cmd = exec.config.cmd;
    return {{"ID", exec.id},
            {"Running", exec.running},
            {"ExitCode", exec.exit_code ? Json(*exec.exit_code) : Json(nullptr)},
            {"ProcessConfig",
             {{"tty", exec.config.tty},
              {"entrypoint", cmd.front()},
              {"arguments", std::vector(cmd.begin() + 1, cmd.end())},
              {"privileged", exec.config.privileged},
              {"user", exec.config.user}}},
            {"OpenStdin", exec.config.attach_stdin},
            {"OpenStderr", exec.config.attach_stderr},
            {"OpenStdout", exec.config.attach_stdout},
            {"CanRemove", !exec.running},
            {"ContainerID", exec.container},
            {"DetachKeys", ""},
            {"Pid", exec.pid}};
}

namespace {

// Go's os.FileMode: the permissions as they are, the rest in bits of its own.
std::uint32_t go_file_mode(mode_t mode) {
    constexpr auto kBit = [](unsigned n) { return std::uint32_t{1} << n; };
    std::uint32_t bits = mode & 0777U;
    if (S_ISDIR(mode)) bits |= kBit(31);
    if (S_ISLNK(mode)) bits |= kBit(27);
    if (S_ISBLK(mode) || S_ISCHR(mode)) bits |= kBit(26);
    if (S_ISFIFO(mode)) bits |= kBit(25);
    if (S_ISSOCK(mode)) bits |= kBit(24);
    if ((mode & S_ISUID) != 0) bits |= kBit(23);
    if ((mode & S_ISGID) != 0) bits |= kBit(22);
    if (S_ISCHR(mode)) bits |= kBit(21);
    if ((mode & S_ISVTX) != 0) bits |= kBit(20);
    return bits;
}

}  // namespace

Json encode_path_stat(const engine::PathStat& about) {
    return {{"name", about.name},
            {"size", about.size},
            {"mode", go_file_mode(about.mode)},
            {"mtime", encode_time(about.mtime)},
            {"linkTarget", about.link_target}};
}

}  // namespace diatom::api
