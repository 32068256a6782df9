// Any JSON body gives what the engine is asked for, or an error. The first line of an input says which body follows:
// exec, network, connect, disconnect, volume, update, commit or filters; or what comes in headers and queries: auth,
// platform, or keys (to detach, a line; then what a terminal sends).
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "api/decode.h"
#include "api/detach_keys.h"
#include "api/filter.h"
#include "api/platform.h"
#include "api/registry_auth.h"
#include "base/strings.h"
#include "image/image_config.h"

namespace {

using namespace diatom;

void check(bool holds) {
    if (!holds) __builtin_trap();
}

void fuzz_update(const Json& body) {
    const engine::ContainerConfig made{.restart = engine::RestartPolicy::always,
                                       .raw_host_config = {{"Memory", 67108864}, {"PidsLimit", 5}}};
    const auto update = api::decode_update(made, body);
    if (!update) return;
    check(update->raw_host_config.is_object());
    // What the body leaves out stays.
    if (body.empty()) check(update->resources.memory_max == 67108864 && update->restart == made.restart);
}

// The body's part of a commit becomes a part of an image, which has to be readable again.
void fuzz_commit(const Json& body) {
    const auto process = api::decode_commit(body);
    check(process.is_object());
    constexpr std::string_view kBase = R"({"architecture":"amd64","os":"linux","config":{"Env":["A=b"]}})";
    const auto changes = json_strings(body, "Changes").value_or(std::vector<std::string>{});
    const auto config = image::extend_config(kBase, {.diff_id = image::Digest::of("layer")}, process, changes, {});
    if (config) check(parse_json(*config, "what was made").has_value());
}

void fuzz_filters(std::string_view text) {
    const auto filters = api::decode_filters(text);
    if (!filters) return;
    const api::Labels labels{{"a", "b"}, {"", "c"}};
    const auto matches = [](std::string_view key, const std::string& value) { return key == value; };
    if (filters->empty()) check(api::passes(*filters, labels, matches));
    if (api::passes(*filters, labels, matches)) check(api::labels_match(labels, *filters));
    static_cast<void>(api::labels_allow(labels, *filters));
}

void fuzz_auth(std::string_view header) {
    const auto decoded = api::decode_registry_auth(header);
    if (!decoded || !*decoded) return;
    const auto& who = **decoded;
    check(!who.username.empty() || !who.identity_token.empty() || !who.registry_token.empty());
}

// Nothing that is typed is lost or said twice: what is not passed on yet is the beginning of the sequence.
void fuzz_keys(std::string_view text) {
    const auto lines = cut(text, '\n').value_or(Halves{text, ""});
    auto keys = api::DetachKeys::parse(lines.first);
    if (!keys) return;
    std::string passed;
    bool detached = false;
    for (const char typed : lines.second) {
        const auto scanned = keys->scan({&typed, 1});
        passed += scanned.pass;
        detached = detached || scanned.detached;
        if (detached) break;
    }
    check(lines.second.starts_with(passed));
    if (!detached) check(lines.second.size() - passed.size() < std::max<std::size_t>(2, lines.first.size() + 1));
}

// Those that are no body; false: `kind` is another.
bool fuzz_text(std::string_view kind, std::string_view text) {
    if (kind == "filters") fuzz_filters(text);
    else if (kind == "auth") fuzz_auth(text);
    else if (kind == "keys") fuzz_keys(text);
    else if (kind == "platform") std::ignore = api::decode_platform(text);
    else return false;
    return true;
}

void fuzz_body(std::string_view kind, const Json& body) {
    if (kind == "exec") {
        if (const auto exec = api::decode_exec_config(body)) check(!exec->cmd.empty());
    } else if (kind == "network") {
        static_cast<void>(api::decode_network(body));
    } else if (kind == "connect") {
        if (const auto wanted = api::decode_connecting("net", body)) check(wanted->endpoint.network == "net");
    } else if (kind == "disconnect") {
        static_cast<void>(api::decode_disconnecting(body));
    } else if (kind == "volume") {
        static_cast<void>(api::decode_volume(body));
    } else if (kind == "update") {
        fuzz_update(body);
    } else if (kind == "commit") {
        fuzz_commit(body);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto halves = diatom::cut({reinterpret_cast<const char*>(data), size}, '\n');
    if (!halves) return 0;
    const auto [kind, text] = *halves;
    if (fuzz_text(kind, text)) return 0;
    // Handlers see objects only.
    if (const auto body = diatom::parse_json(text, "fuzz"); body && body->is_object()) fuzz_body(kind, *body);
    return 0;
}
