// What is run, and what comes after. Source: cloud-init 25.2, "Bootcmd", "Runcmd", "Power State Change" and "Final
// Message"; cloudinit/config/cc_power_state_change.py.
#include <array>

#include "base/strings.h"
#include "cloud/draft.h"

namespace diatom::cloud {
namespace {

constexpr std::array kPowerKeys{
    Known{"mode"},
    Known{"delay"},
    Known{"message"},
    Known{"condition"},
    Known{"timeout", "commands are waited for until they end: a command that may hang takes timeout(1)"},
};

void read_condition(const Section& power, Value& entry) {
    const auto* condition = power.find("condition");
    if (condition == nullptr) return;
    if (condition->type() == Value::Type::boolean) {
        if (!condition->boolean()) entry.set("condition", placed(Value::of("false"), *condition));
        return;
    }
    if (!condition->is_text() && !condition->is_list())
        return power.bad("condition", "must be true, false, or a command");
    entry.set("condition", *condition);
}

// Minutes, as shutdown(8) takes them.
void read_delay(const Section& power, Value& entry) {
    const auto* delay = power.find("delay");
    if (delay == nullptr) return;
    auto text = delay->scalar_text();
    if (text == "now") return;
    if (text.starts_with('+')) text.erase(0, 1);
    const auto minutes = parse_uint(text);
    if (!minutes || *minutes > 1'000'000) return power.bad("delay", "must be now, or minutes such as 5");
    entry.set("delay", placed(Value::of(std::format("{}m", *minutes)), *delay));
}

void read_power(const Section& config, Draft& draft) {
    const auto power = config.below("power_state");
    if (!power) return;
    power->expect(kPowerKeys);
    const auto mode = power->text("mode");
    if (!mode || (*mode != "poweroff" && *mode != "reboot" && *mode != "halt"))
        return config.bad("power_state", "mode must be poweroff, reboot or halt: nothing is done");
    auto entry = placed(Value::map(), power->value());
    entry.set("mode", placed(Value::of(*mode == "poweroff" ? "off" : *mode), *power->find("mode")));
    read_delay(*power, entry);
    power->text_to("message", entry, "message");
    read_condition(*power, entry);
    draft.document.set("power", std::move(entry));
}

}  // namespace

void add_commands(const Section& section, std::string_view key, Draft& draft,
                  std::initializer_list<std::string_view> keys, std::string_view list) {
    section.each(key, [&](const Value& item, const machine::Path& path) {
        if (item.is_null() || (item.is_list() && item.items().empty())) return;
        if (item.is_text()) return draft.add(keys, list, item, item);
        if (!item.is_list()) return draft.notes.wrong(item, path, "a command line, or a list of its words");
        auto words = placed(Value::list(), item);
        for (const auto& word : item.items()) {
            if (word.is_list() || word.is_map()) return draft.notes.wrong(word, path, "a list of words");
            words.add(placed(Value::of(word.scalar_text()), word));
        }
        draft.add(keys, list, std::move(words), item);
    });
}

void translate_commands(const Section& config, Draft& draft) {
    add_commands(config, "bootcmd", draft, {"commands"}, "boot");
    add_commands(config, "runcmd", draft, {"commands"}, "run");
    read_power(config, draft);
    config.text_to("final_message", draft.document, "final_message");
}

}  // namespace diatom::cloud
