// The Compose file as a table: which keys there are, what they hold, how short forms, several files and relative paths
// are treated. Every stage of the loader walks a document along it. Fields stand in the order in which they are
// printed. Source: the Compose Specification, 03 to 09, build.md, deploy.md, develop.md. Thread side: any (constants).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace diatom::compose {

enum class Form : std::uint8_t {
    scalar,
    object,  // the keys of `fields`
    list,    // of `item`
    map,     // keys of the user's choice, each with an `item`
    pairs,   // NAME: VALUE, or a list of NAME=VALUE
};

// What a scalar becomes.
enum class As : std::uint8_t {
    text,
    any_text,  // text, and numbers and booleans as text
    integer,
    real,
    boolean,
    bytes,     // "1g", printed as text of decimal digits
    duration,  // "1m30s"
    count,     // a whole number, or "all"
    label,     // of pairs: a value, "" where there is none
    variable,  // of pairs: a value, or null: taken from the environment
};

// The short forms: what they become before anything else looks at them.
enum class Short : std::uint8_t {
    none,
    one_text,     // TEXT for [TEXT]
    key_context,  // TEXT for {context: TEXT}; likewise the next three
    key_service,
    key_path,
    key_source,
    names,         // [NAME] for {NAME: null}
    dependencies,  // [NAME] for {NAME: {condition: service_started, required: true}}
    words,         // a command line for a list of words
    health_test,   // TEXT for [CMD-SHELL, TEXT]
    ports,
    volume,
    device,
    env_file,
    hosts,     // {HOST: ADDRESS} or HOST:ADDRESS for [HOST=ADDRESS]
    external,  // external: {name: X} for external: true, name: X
    gpus,      // all for [{count: all}]
    ssh,       // {ID: PATH} for [ID=PATH]
};

// What a later file does to the value of an earlier one.
enum class Merge : std::uint8_t {
    deep,  // mappings by key, lists one after the other, others replaced
    replace,
    logging,  // by key where both have the same driver
    pools,    // subnets by subnet
};

// When two items of a list are the same thing, so that the later one takes the place of the earlier,
// or is refused.
enum class Same : std::uint8_t { never, refused, text, key, target, device, port, secret, config, path };

enum class Path : std::uint8_t {
    none,
    file,
    context,      // a file, or an URL
    bind_source,  // of a volume of a service: `source`, when its type is bind
    bind_device,  // of a volume: `driver_opts.device`, when it is a bind mount
};

// When a field is not printed.
enum class Omit : std::uint8_t { zero, absent, never, always };

struct Field;

struct Type {
    Form form = Form::scalar;
    As as = As::text;
    const Type* item = nullptr;
    std::span<const Field> fields = {};
    Short short_form = Short::none;
    Merge merge = Merge::deep;
    Same same = Same::never;
    Path path = Path::none;
    bool nullable = false;
    bool capitals = false;  // its fields are printed as "Path", as docker compose does for block devices
    bool closed = false;    // "x-" keys are no extensions here
    std::span<const std::string_view> choices = {};
    std::span<const std::string_view> required = {};
};

struct Field {
    std::string_view name;
    const Type* type;
    Omit omit = Omit::zero;
};

const Type& document_type() noexcept;
const Type& service_type() noexcept;

// The type of a member of an object or map; nothing for unknown keys and for x- extensions.
const Type* member_type(const Type& type, std::string_view key) noexcept;

// Whether "x-" keys are extensions in a mapping of this type.
bool has_extensions(const Type& type) noexcept;

}  // namespace diatom::compose
