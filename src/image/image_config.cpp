#include "image/image_config.h"

#include <algorithm>
#include <optional>

#include "base/strings.h"

namespace diatom::image {
namespace {

constexpr std::string_view kInstructions =
    "CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME, WORKDIR";

bool begins_name(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool continues_name(char c) { return begins_name(c) || (c >= '0' && c <= '9'); }

// What the configuration's environment has of a name; nothing where it has none.
std::optional<std::string> variable(const Json& config, std::string_view name) {
    for (const auto& item : json_member(config, "Env")) {
        const auto text = item.is_string() ? item.get<std::string>() : std::string();
        const auto halves = cut(text, '=');
        if (halves && halves->first == name) return std::string(halves->second);
    }
    return std::nullopt;
}

// Moves `i` from a dollar to the last character of what it names: $NAME, ${NAME}, ${NAME:-other}, ${NAME:+other}.
Result<std::string> expand_at(std::string_view text, std::size_t& i, const Json& config) {
    auto rest = text.substr(i + 1);
    const bool braced = rest.starts_with('{');
    if (braced) rest.remove_prefix(1);
    std::size_t length = 0;
    if (!rest.empty() && begins_name(rest.front()))
        while (length < rest.size() && continues_name(rest[length])) ++length;
    if (length == 0 && !braced) return std::string("$");
    const auto name = rest.substr(0, length);
    const auto value = variable(config, name);
    if (!braced) {
        i += length;
        return value.value_or("");
    }
    const auto end = rest.find('}');
    if (length == 0 || end == std::string_view::npos) return fail(Kind::invalid, "bad substitution in: {}", text);
    const auto modifier = rest.substr(length, end - length);
    i += end + 2;
    if (modifier.empty()) return value.value_or("");
    const bool is_set = value && !value->empty();
    const std::string other(modifier.substr(std::min<std::size_t>(2, modifier.size())));
    if (modifier.starts_with(":-")) return is_set ? *value : other;
    if (modifier.starts_with(":+")) return is_set ? other : std::string();
    return fail(Kind::invalid, "unsupported modifier {} in substitution: {}", modifier, text);
}

// Words by white space; quotes hold one together, a backslash takes the next character as it is, and but for single
// quotes variables stand for what the environment of `config` has (Dockerfile reference, "environment replacement").
Result<std::vector<std::string>> shell_words(std::string_view text, const Json& config) {
    std::vector<std::string> words;
    std::string word;
    bool open = false;
    char quote = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '\\' && quote != '\'' && i + 1 < text.size()) {
            word += text[++i];
            open = true;
        } else if (c == '$' && quote != '\'') {
            word += TRY(expand_at(text, i, config));
            open = true;
        } else if (quote != 0) {
            if (c == quote) quote = 0;
            else word += c;
        } else if (c == '"' || c == '\'') {
            quote = c;
            open = true;
        } else if (c == ' ' || c == '\t') {
            if (open) words.push_back(std::exchange(word, {}));
            open = false;
        } else {
            word += c;
            open = true;
        }
    }
    if (quote != 0) return fail(Kind::invalid, "a quote is not closed in: {}", text);
    if (open) words.push_back(std::move(word));
    return words;
}

// ["a","b"], or a line for the shell.
Result<Json> command(std::string_view text) {
    if (text.starts_with('[')) {
        auto list = TRY(parse_json(text, "command"));
        if (list.is_array() && std::ranges::all_of(list, [](const Json& item) { return item.is_string(); }))
            return list;
        return fail(Kind::invalid, "a command must be a list of strings: {}", text);
    }
    return Json::array({"/bin/sh", "-c", text});
}

Result<std::string> line(std::string_view text, const Json& config) {
    return join(TRY(shell_words(text, config)), " ");
}

// "A=b C=d", or the old "A the rest".
Result<std::vector<std::pair<std::string, std::string>>> assignments(std::string_view text, const Json& config) {
    std::vector<std::pair<std::string, std::string>> pairs;
    const auto words = TRY(shell_words(text, config));
    if (!words.empty() && !words.front().contains('=')) {
        const auto halves = cut(text, ' ');
        if (!halves) return fail(Kind::invalid, "want KEY=VALUE: {}", text);
        pairs.emplace_back(halves->first, TRY(line(trim(halves->second), config)));
        return pairs;
    }
    for (const auto& word : words) {
        const auto halves = cut(word, '=');
        if (!halves || halves->first.empty()) return fail(Kind::invalid, "want KEY=VALUE: {}", word);
        pairs.emplace_back(halves->first, halves->second);
    }
    return pairs;
}

void set_env(Json& config, const std::string& key, const std::string& value) {
    Json list = Json::array();
    for (const auto& item : json_member(config, "Env")) {
        if (item.is_string() && !item.get<std::string>().starts_with(key + "=")) list.push_back(item);
    }
    list.push_back(key + "=" + value);
    config["Env"] = std::move(list);
}

void add_key(Json& config, const char* member, const std::string& key, const Json& value) {
    Json& object = config[member];
    if (!object.is_object()) object = Json::object();
    object[key] = value;
}

Result<void> add_keys(Json& config, const char* member, std::string_view text) {
    std::vector<std::string> keys;
    if (text.starts_with('[')) {
        for (const auto& item : TRY(command(text))) keys.push_back(item.get<std::string>());
    } else {
        keys = TRY(shell_words(text, config));
    }
    for (const auto& key : keys) {
        const bool port = std::string_view(member) == "ExposedPorts" && !key.contains('/');
        add_key(config, member, port ? key + "/tcp" : key, Json::object());
    }
    return {};
}

}  // namespace

Result<void> apply_change(Json& config, std::string_view instruction) {
    instruction = trim(instruction);
    const auto halves = cut(instruction, ' ').value_or(Halves{instruction, {}});
    const auto text = trim(halves.second);
    auto name = to_lower(halves.first);
    if (text.empty()) return fail(Kind::invalid, "--change \"{}\": the instruction needs an argument", instruction);
    if (name == "cmd" || name == "entrypoint") {
        config[name == "cmd" ? "Cmd" : "Entrypoint"] = TRY(command(text), "--change");
    } else if (name == "env") {
        for (const auto& [key, value] : TRY(assignments(text, config), "--change ENV")) set_env(config, key, value);
    } else if (name == "label") {
        for (const auto& [key, value] : TRY(assignments(text, config), "--change LABEL"))
            add_key(config, "Labels", key, value);
    } else if (name == "expose") {
        TRY(add_keys(config, "ExposedPorts", text), "--change EXPOSE");
    } else if (name == "volume") {
        TRY(add_keys(config, "Volumes", text), "--change VOLUME");
    } else if (name == "user") {
        config["User"] = TRY(line(text, config), "--change USER");
    } else if (name == "stopsignal") {
        config["StopSignal"] = TRY(line(text, config), "--change STOPSIGNAL");
    } else if (name == "workdir") {
        const auto before = TRY(json_string(config, "WorkingDir"));
        const auto path = TRY(line(text, config), "--change WORKDIR");
        config["WorkingDir"] = path.starts_with('/') ? path : std::format("{}/{}", before, path);
    } else if (name == "onbuild") {
        if (!config["OnBuild"].is_array()) config["OnBuild"] = Json::array();
        config["OnBuild"].push_back(text);
    } else {
        return fail(Kind::invalid, "--change: {} is not one of {}", halves.first, kInstructions);
    }
    return {};
}

Result<std::string> extend_config(std::string_view raw, const LayerHistory& layer, const Json& process,
                                  const std::vector<std::string>& changes, const Platform& platform) {
    Json document = raw.empty() ? Json::object() : TRY(parse_json(raw, "image configuration"));
    if (raw.empty()) {
        document["os"] = platform.os;
        document["architecture"] = platform.architecture;
        if (!platform.variant.empty()) document["variant"] = platform.variant;
    }
    for (const char* stale : {"container", "container_config", "id", "parent"}) document.erase(stale);
    document["created"] = layer.created;
    document["author"] = layer.author;
    document["comment"] = layer.comment;
    Json& config = document["config"];
    if (!config.is_object()) config = Json::object();
    for (const auto& item : process.items()) config[item.key()] = item.value();
    for (const auto& change : changes) TRY(apply_change(config, change));
    Json& rootfs = document["rootfs"];
    if (!rootfs.is_object()) rootfs = {{"type", "layers"}};
    if (!rootfs["diff_ids"].is_array()) rootfs["diff_ids"] = Json::array();
    rootfs["diff_ids"].push_back(layer.diff_id.text());
    if (!document["history"].is_array()) document["history"] = Json::array();
    Json step{{"created", layer.created}, {"created_by", layer.created_by}};
    if (!layer.author.empty()) step["author"] = layer.author;
    if (!layer.comment.empty()) step["comment"] = layer.comment;
    document["history"].push_back(std::move(step));
    auto text = dump_json(document);
    TRY(ImageConfig::decode(text));
    return text;
}

}  // namespace diatom::image
