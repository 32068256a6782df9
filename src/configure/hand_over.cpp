#include "configure/hand_over.h"

#include <sys/sysinfo.h>
#include <sys/utsname.h>

#include "base/strings.h"
#include "cloud/gzip.h"
#include "cloud/instance.h"
#include "cloud/network.h"
#include "cloud/translate.h"
#include "config/version.h"
#include "configure/chosen_passwords.h"
#include "configure/password.h"
#include "document/json_reader.h"
#include "ignition/ignition.h"
#include "machine/check.h"
#include "machine/store.h"

namespace diatom::configure {
namespace {

constexpr std::string_view kOwn = "#diatom-config";

Value placed(Value value, const std::string& from) {
    value.set_mark({std::make_shared<const std::string>(from), 0});
    return value;
}

std::string origin_of(const platform::Instance& instance, const std::string& key) {
    const auto found = instance.origins.find(key);
    return found == instance.origins.end() ? std::string(to_string(instance.platform)) : found->second;
}

cloud::MetaData meta_data_of(const platform::Instance& instance) {
    cloud::MetaData meta_data{.instance_id = instance.instance_id,
                              .hostname = instance.hostname,
                              .public_keys = instance.public_keys,
                              .all = Value::map(),
                              .warnings = {}};
    if (auto all = read_json(dump_json(instance.metadata), "metadata"); all && all->is_map())
        meta_data.all = std::move(*all);
    return meta_data;
}

// Which of the machines that were started together this is.
std::optional<std::int64_t> launch_index_of(const platform::Instance& instance) {
    for (const auto* key : {"launch-index", "ami-launch-index"}) {
        const auto& index = json_member(instance.metadata, key);
        if (index.is_number_integer()) return index.get<std::int64_t>();
        if (index.is_string()) return parse_int(trim(index.get<std::string>()));
    }
    return std::nullopt;
}

class HandOver {
public:
    HandOver(const platform::Instance& instance, const Root& root, Fetching& fetching, Gathered& gathered)
        : instance_(instance),
          fetching_(fetching),
          gathered_(gathered),
          data_(instance_data_of(instance)),
          options_(options_of_machine(root)) {
        sources_.instance_data = &data_;
        sources_.launch_index = launch_index_of(instance);
        sources_.fetch = [this](const std::string& url, bool once) {
            return fetching_.get({.url = url, .once = once});
        };
    }

    void take() {
        if (instance_.platform != platform::Platform::file && instance_.platform != platform::Platform::url)
            gathered_.platform = instance_.cloud;
        const auto& vendor = instance_.vendor_data;
        // The last is merged with the user's as cloud-init does; those below it stand alone.
        for (std::size_t i = 0; i + 1 < vendor.size(); ++i) take_cloud({}, &vendor[i]);
        const auto* last = vendor.empty() ? nullptr : &vendor.back();
        add_metadata();
        add_network();
        take_user_data(last);
        withdraw_metadata();
    }

private:
    std::string source(std::string_view what) const {
        return std::format("{} {}", to_string(instance_.platform), what);
    }

    void warn(const std::vector<cloud::Warning>& warnings) {
        for (const auto& warning : warnings) gathered_.warnings.push_back(warning.text);
    }

    // Below the user's, where it is not declined there.
    void add_metadata() {
        metadata_ = Value::map();
        if (!instance_.hostname.empty())
            metadata_.set("hostname", placed(Value::of(instance_.hostname), origin_of(instance_, "hostname")));
        if (!instance_.public_keys.empty())
            metadata_.set("ssh_authorized_keys",
                          placed(Value::of(instance_.public_keys), origin_of(instance_, "public_keys")));
        for (const auto& problem : machine::keep_valid(metadata_)) gathered_.warnings.push_back(problem.text);
        gathered_.layers.add(source("metadata"), metadata_);
    }

    void withdraw_metadata() {
        if (keeps_hostname_) metadata_.erase("hostname");
        if (!takes_keys_) metadata_.erase("ssh_authorized_keys");
        if (keeps_hostname_ || !takes_keys_) gathered_.layers.replace(source("metadata"), metadata_);
    }

    void add_network() {
        if (!instance_.network_config) return;
        const auto& document = *instance_.network_config;
        const auto form = instance_.network_form;
        if (form == platform::NetworkForm::debian_interfaces) {
            gathered_.warnings.push_back(std::format(
                "{}: a network described in Debian's form is not read by this version: DHCP is asked", document.from));
            return;
        }
        auto translated = form == platform::NetworkForm::openstack
                              ? cloud::read_openstack_network(document.bytes, document.from)
                              : cloud::read_network_config(document.bytes, document.from);
        if (!translated) return gathered_.warnings.push_back(translated.error().what());
        warn(translated->warnings);
        if (!translated->document.members().empty())
            gathered_.layers.add(source("network-config"), std::move(translated->document));
    }

    void take_user_data(const platform::Document* vendor) {
        if (!instance_.user_data) {
            if (vendor != nullptr) take_cloud({}, vendor);
            return;
        }
        const auto& document = *instance_.user_data;
        const auto plain = cloud::is_gzip(document.bytes) ? cloud::gunzip(document.bytes, cloud::kMaxUserData)
                                                          : Result<std::string>(document.bytes);
        if (!plain) return gathered_.warnings.push_back(std::format("{}: {}", document.from, plain.error().what()));
        if (plain->starts_with(kOwn)) return take_own(*plain, document.from);
        if (!cloud::is_cloud_init(*plain) && ignition::looks_like_butane(*plain))
            return take_ignition(*plain, document.from, source("user-data"), fetching_, gathered_);
        take_cloud(document, vendor);
    }

    void take_own(const std::string& text, const std::string& file) {
        auto document = machine::read_document(text, file);
        const auto valid = document ? machine::require_valid(*document) : Result<void>();
        if (document && valid) return gathered_.layers.add(source("user-data"), std::move(*document));
        gathered_.warnings.push_back(
            std::format("{} is left out: {}", file, (document ? valid.error() : document.error()).what()));
    }

    void take_cloud(const platform::Document& user, const platform::Document* vendor) {
        cloud::Handed handed{.user_data = user.bytes, .vendor_data = {}, .user_file = user.from};
        if (vendor != nullptr) {
            handed.vendor_data = vendor->bytes;
            handed.vendor_file = vendor->from;
        }
        auto taken = cloud::translate_user_data(handed, sources_, options_);
        auto& translation = taken.translation;
        warn(translation.warnings);
        keeps_hostname_ = keeps_hostname_ || translation.keeps_hostname;
        takes_keys_ = takes_keys_ && translation.takes_platform_keys;
        if (!translation.document.members().empty())
            gathered_.layers.add(source(user.bytes.empty() ? "vendor-data" : "user-data"),
                                 std::move(translation.document));
        for (auto& script : taken.scripts) gathered_.scripts.push_back(std::move(script));
        if (taken.ignition.size() > 1) {
            gathered_.ignition = "several";
            gathered_.refused.push_back(std::format("{}: more than one Ignition configuration", user.from));
        } else if (!taken.ignition.empty()) {
            const auto& part = taken.ignition.front();
            take_ignition(part.content, part.file, source("user-data"), fetching_, gathered_);
        }
    }

    const platform::Instance& instance_;
    Fetching& fetching_;
    Gathered& gathered_;
    Value data_, metadata_;
    cloud::Options options_;
    cloud::Sources sources_;
    bool keeps_hostname_ = false, takes_keys_ = true;
};

}  // namespace

cloud::Options options_of_machine() {
    cloud::Options options;
    options.hash_password = [](std::string_view password) { return hash_password(password); };
    struct sysinfo info{};
    if (::sysinfo(&info) == 0) options.memory = std::uint64_t{info.totalram} * info.mem_unit;
    return options;
}

cloud::Options options_of_machine(const Root& root) {
    auto options = options_of_machine();
    options.hash_password = [=](std::string_view password) { return hash_configured_password(root, password); };
    return options;
}

Value instance_data_of(const platform::Instance& instance) {
    utsname names{};
    ::uname(&names);
    return cloud::instance_data(meta_data_of(instance), {.cloud_name = instance.cloud,
                                                         .platform = std::string(to_string(instance.platform)),
                                                         .subplatform = {},
                                                         .region = instance.region,
                                                         .availability_zone = instance.zone,
                                                         .architecture = names.machine,
                                                         .kernel = names.release,
                                                         .version = std::string(config::version())});
}

void hand_over(const platform::Instance& instance, const Root& root, Fetching& fetching, Gathered& gathered) {
    HandOver(instance, root, fetching, gathered).take();
}

}  // namespace diatom::configure
