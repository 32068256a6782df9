// The short forms that are small languages of their own: command lines, ports, volumes.
#include <arpa/inet.h>

#include <algorithm>
#include <array>

#include "base/strings.h"
#include "compose/expand.h"

namespace diatom::compose {
namespace {

class Words {
public:
    Result<std::vector<std::string>> run(std::string_view line) {
        for (const char c : line) {
            if (escaped_) {
                put(c);
                escaped_ = false;
            } else if (c == '\\' && quote_ != '\'') {
                escaped_ = true;
            } else if (quote_ != 0) {
                if (c == quote_) quote_ = 0;
                else put(c);
            } else if (c == '\'' || c == '"') {
                quote_ = c;
                begun_ = true;
            } else if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
                end_word();
            } else if (std::string_view(";&|<>").contains(c)) {
                // "2>file" is a redirection, its number no word.
                if (c == '>' && !word_.empty() && word_.front() >= '0' && word_.front() <= '9') begun_ = false;
                break;
            } else {
                put(c);
            }
        }
        end_word();
        if (escaped_ || quote_ != 0) return fail(Kind::invalid, "the command line has a quote without an end");
        return std::move(words_);
    }

private:
    void put(char c) {
        word_ += c;
        begun_ = true;
    }
    void end_word() {
        if (begun_) words_.push_back(word_);
        word_.clear();
        begun_ = false;
    }

    std::vector<std::string> words_;
    std::string word_;
    char quote_ = 0;
    bool escaped_ = false, begun_ = false;
};

struct Range {
    std::int64_t first = 0, last = 0;
    std::int64_t size() const { return last - first + 1; }
};

Result<Range> parse_range(std::string_view text, std::string_view what) {
    const auto halves = cut(text, '-');
    const auto first = parse_uint(halves ? halves->first : text);
    const auto last = halves ? parse_uint(halves->second) : first;
    if (!first || !last || *last < *first || *last > 65535) {
        return fail(Kind::invalid, "invalid {} port \"{}\": must be a number up to 65535, or a range such as 80-90",
                    what, text);
    }
    return Range{static_cast<std::int64_t>(*first), static_cast<std::int64_t>(*last)};
}

bool is_address(const std::string& text) {
    std::array<unsigned char, sizeof(in6_addr)> bytes{};
    return inet_pton(AF_INET, text.c_str(), bytes.data()) == 1 || inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1;
}

Value make_port(const std::string& ip, std::int64_t target, const std::string& published, std::string_view protocol) {
    auto port = Value::map();
    port.set("mode", "ingress");
    if (!ip.empty()) port.set("host_ip", ip);
    port.set("target", Value::of(target));
    if (!published.empty()) port.set("published", published);
    port.set("protocol", protocol);
    return port;
}

struct PortText {
    std::string ip;
    std::string_view published, target;
    std::string protocol = "tcp";
};

Result<PortText> cut_port(std::string_view text) {
    PortText parts;
    auto rest = text;
    if (const auto halves = cut(rest, '/')) {
        rest = halves->first;
        parts.protocol = to_lower(halves->second);
    }
    if (parts.protocol != "tcp" && parts.protocol != "udp" && parts.protocol != "sctp") {
        return fail(Kind::invalid, "port \"{}\": the protocol must be tcp, udp or sctp", text);
    }
    const auto target = cut_last(rest, ':');
    parts.target = target ? target->second : rest;
    if (!target) return parts;
    const auto published = cut_last(target->first, ':');
    parts.published = published ? published->second : target->first;
    if (!published) return parts;
    parts.ip = published->first;
    if (parts.ip.starts_with('[') && parts.ip.ends_with(']')) parts.ip = parts.ip.substr(1, parts.ip.size() - 2);
    if (!parts.ip.empty() && !is_address(parts.ip)) {
        return fail(Kind::invalid, "port \"{}\": \"{}\" is no IP address", text, parts.ip);
    }
    return parts;
}

bool is_windows_drive(std::string_view text) {
    return text.size() == 1 && ((text[0] >= 'a' && text[0] <= 'z') || (text[0] >= 'A' && text[0] <= 'Z'));
}

// At colons, but for the one behind a drive's letter.
std::vector<std::string> cut_volume(std::string_view text) {
    std::vector<std::string> parts(1);
    for (const char c : text) {
        if (c == ':' && !is_windows_drive(parts.back())) parts.emplace_back();
        else parts.back() += c;
    }
    return parts;
}

bool is_file_path(std::string_view source) {
    if (source.empty()) return false;
    return std::string_view("./~").contains(source[0]) || source.starts_with("\\\\") ||
           (source.size() > 1 && source[1] == ':' && is_windows_drive(source.substr(0, 1)));
}

void apply_volume_option(Value& volume, std::string_view option) {
    static constexpr std::array<std::string_view, 6> kPropagations{"rprivate", "private", "rshared",
                                                                   "shared",   "rslave",  "slave"};
    const auto part = [&](std::string_view key) -> Value& {
        if (auto* found = volume.find(key)) return *found;
        return volume.set(key, Value::map());
    };
    if (option == "ro") volume.set("read_only", Value::of(true));
    else if (option == "rw") volume.erase("read_only");
    else if (option == "nocopy") part("volume").set("nocopy", Value::of(true));
    else if (option == "z" || option == "Z") part("bind").set("selinux", option);
    else if (std::ranges::find(kPropagations, option) != kPropagations.end()) part("bind").set("propagation", option);
}

}  // namespace

Result<std::vector<std::string>> split_command(std::string_view line) { return Words().run(line); }

Result<Value> parse_ports(std::string_view text) {
    const auto parts = TRY(cut_port(text));
    const auto target = TRY(parse_range(parts.target, "container"));
    const auto published = parts.published.empty() ? Range{} : TRY(parse_range(parts.published, "host"));
    auto ports = Value::list();
    if (target.size() == 1) {
        ports.add(make_port(parts.ip, target.first, std::string(parts.published), parts.protocol));
        return ports;
    }
    if (!parts.published.empty() && published.size() != target.size()) {
        return fail(Kind::invalid, "port \"{}\": both ranges must have the same length", text);
    }
    for (std::int64_t i = 0; i < target.size(); ++i) {
        const auto number = parts.published.empty() ? std::string() : std::to_string(published.first + i);
        ports.add(make_port(parts.ip, target.first + i, number, parts.protocol));
    }
    // docker compose lists a range in the order of the numbers' text.
    std::ranges::sort(ports.items(), {}, [](const Value& port) { return port.at("target").scalar_text(); });
    return ports;
}

Result<Value> parse_volume(std::string_view text) {
    auto volume = Value::map();
    if (text.empty()) return fail(Kind::invalid, "a volume must be [SOURCE:]TARGET[:OPTIONS], not empty");
    if (text.size() <= 2) {
        volume.set("type", "volume");
        volume.set("target", text);
        return volume;
    }
    const auto parts = cut_volume(text);
    if (parts.size() > 3 || std::ranges::contains(parts, "")) {
        return fail(Kind::invalid, "volume \"{}\" must be [SOURCE:]TARGET[:OPTIONS]", text);
    }
    const auto source = parts.size() > 1 ? parts[0] : std::string();
    if (!source.empty()) volume.set("source", source);
    volume.set("target", parts[parts.size() > 1 ? 1 : 0]);
    if (parts.size() > 2) {
        for (const auto option : split(parts[2], ',')) apply_volume_option(volume, option);
    }
    const bool is_bind = is_file_path(source);
    volume.set("type", is_bind ? "bind" : "volume");
    const char* part = is_bind ? "bind" : "volume";
    if (!volume.has(part)) volume.set(part, Value::map());
    if (is_bind) volume.find(part)->set("create_host_path", Value::of(true));
    return volume;
}

}  // namespace diatom::compose
