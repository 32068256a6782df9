#include <algorithm>

#include "api/decode.h"
#include "api/older_clients.h"
#include "base/strings.h"
#include "engine/health.h"

namespace diatom::api {
namespace {

// A string, a list of strings, or absent: Docker accepts all three for Cmd and Entrypoint.
Result<std::optional<std::vector<std::string>>> string_or_list(const Json& object, std::string_view key) {
    const Json& value = json_member(object, key);
    if (value.is_null()) return std::nullopt;
    if (value.is_string()) return std::vector{value.get<std::string>()};
    return TRY(json_strings(object, key));
}

Result<std::vector<std::string>> keys_of(const Json& object, std::string_view key) {
    const Json& value = json_member(object, key);
    std::vector<std::string> keys;
    if (value.is_null()) return keys;
    if (!value.is_object()) return fail(Kind::invalid, "\"{}\" must be an object", key);
    for (const auto& [name, ignored] : value.items()) keys.push_back(name);
    return keys;
}

Result<void> decode_config(const Json& body, engine::ContainerConfig& config) {
    config.image = TRY(json_string(body, "Image"));
    config.hostname = TRY(json_string(body, "Hostname"));
    config.domainname = TRY(json_string(body, "Domainname"));
    config.user = TRY(json_string(body, "User"));
    config.working_dir = TRY(json_string(body, "WorkingDir"));
    config.stop_signal = TRY(json_string(body, "StopSignal"));
    config.entrypoint = TRY(string_or_list(body, "Entrypoint"));
    config.cmd = TRY(string_or_list(body, "Cmd"));
    config.env = TRY(json_strings(body, "Env"));
    config.exposed_ports = TRY(keys_of(body, "ExposedPorts"));
    config.volumes = TRY(keys_of(body, "Volumes"));
    config.labels = TRY(json_string_map(body, "Labels"));
    config.tty = TRY(json_bool(body, "Tty"));
    config.open_stdin = TRY(json_bool(body, "OpenStdin"));
    config.stdin_once = TRY(json_bool(body, "StdinOnce"));
    config.attach_stdin = TRY(json_bool(body, "AttachStdin"));
    config.attach_stdout = TRY(json_bool(body, "AttachStdout"));
    config.attach_stderr = TRY(json_bool(body, "AttachStderr"));
    if (!json_member(body, "StopTimeout").is_null())
        config.stop_timeout_s = static_cast<int>(TRY(json_int(body, "StopTimeout")));
    if (const Json& health = json_member(body, "Healthcheck"); !health.is_null()) {
        config.health = TRY(engine::decode_health_check(health));
        config.health->shell = TRY(json_strings(body, "Shell"));
    }
    return {};
}

Result<void> check_config(const engine::ContainerConfig& config) {
    if (config.image.empty()) return fail(Kind::invalid, "no image specified: name one in \"Image\"");
    for (const auto& variable : config.env) {
        if (variable.empty() || variable.front() == '=')
            return fail(Kind::invalid, "invalid environment variable: {}", variable);
    }
    return {};
}

}  // namespace

Result<engine::ContainerConfig> decode_container_config(const Json& given, int version) {
    const Json body = TRY(container_body_of(given, version));
    engine::ContainerConfig config;
    TRY(decode_config(body, config));
    TRY(check_config(config));
    const Json& host = json_member(body, "HostConfig");
    if (!host.is_null() && !host.is_object()) return fail(Kind::invalid, "\"HostConfig\" must be an object");
    TRY(decode_host_config(host, config));
    TRY(decode_endpoints(body, config));
    config.raw_host_config = host.is_null() ? Json::object() : host;
    return config;
}

Result<engine::ExecConfig> decode_exec_config(const Json& body) {
    engine::ExecConfig config;
    config.cmd = TRY(json_strings(body, "Cmd"));
    if (config.cmd.empty()) return fail(Kind::invalid, "no exec command specified");
    config.env = TRY(json_strings(body, "Env"));
    config.user = TRY(json_string(body, "User"));
    config.working_dir = TRY(json_string(body, "WorkingDir"));
    config.tty = TRY(json_bool(body, "Tty"));
    config.privileged = TRY(json_bool(body, "Privileged"));
    config.attach_stdin = TRY(json_bool(body, "AttachStdin"));
    config.attach_stdout = TRY(json_bool(body, "AttachStdout"));
    config.attach_stderr = TRY(json_bool(body, "AttachStderr"));
    // Go reads names of members whatever their case, and the SDK for Python writes this one so.
    config.detach_keys = TRY(json_string(body, "DetachKeys", TRY(json_string(body, "detachKeys"))));
    const Json& size = json_member(body, "ConsoleSize");
    if (size.is_array() && size.size() == 2 && size[0].is_number_unsigned() && size[1].is_number_unsigned()) {
        config.rows = static_cast<unsigned short>(std::min<std::uint64_t>(size[0].get<std::uint64_t>(), 65535));
        config.columns = static_cast<unsigned short>(std::min<std::uint64_t>(size[1].get<std::uint64_t>(), 65535));
    }
    return config;
}

}  // namespace diatom::api
