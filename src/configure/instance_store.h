// What a platform said of this machine, kept on the state partition, so that a boot without a network or a metadata
// server goes on, and what runs once runs once. Thread side: any; one writer at a time; reads and writes files.
//
//   /var/lib/diatom/instances/ID/handed.json   what was handed over, with the user-data; root's alone
//   /var/lib/diatom/instances/ID/fetched/HASH  what the user-data name by a URL
//   /var/lib/diatom/instances/ID/done/NAME     what was done once
//   /var/lib/diatom/instances/current          the ID of the last boot
//   /run/diatom/instance-id                    of this boot
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "configure/apply.h"
#include "platform/instance.h"

namespace diatom::configure {

struct Handed {
    // What the machine looked like when it was asked: who looks otherwise is another instance, whatever is kept.
    std::string looks;
    std::vector<platform::Instance> instances;  // in rising order of precedence
};

class InstanceStore {
public:
    explicit InstanceStore(Root root = {}) : root_(std::move(root)) {}

    // Of this boot; empty before it is known.
    std::string current() const;
    // Of the boot before, where the machine looks the same.
    std::optional<Handed> last(std::string_view looks) const;
    std::optional<Handed> read(std::string_view id) const;
    // Makes it the instance of this boot. True when the instance is new, or was handed something else.
    Result<bool> keep(const std::string& id, const Handed& handed) const;

    std::string directory(std::string_view id) const;
    bool was_done(std::string_view name) const;
    Result<void> set_done(std::string_view name, std::string_view text = {}) const;
    std::string done_text(std::string_view name) const;

private:
    Root root_;
};

// The id that the instances say, as the name of a directory; of what has none, one that is made of how it looks.
std::string instance_id_of(const Handed& handed);

Json encode(const Handed& handed);
Result<Handed> decode_handed(const Json& document);

}  // namespace diatom::configure
