#include "machine/unconfirmed.h"

#include "sys/file.h"

namespace diatom::machine {
namespace {

constexpr std::string_view kKey = "network";
constexpr mode_t kPrivate = 0600;

}  // namespace

bool Unconfirmed::exists() const { return sys::exists(file()); }

Result<void> Unconfirmed::begin(const Value& network) const {
    if (exists()) return {};
    TRY(sys::make_dirs(directory_, 0700));
    auto document = Value::map();
    if (!network.is_null()) document.set(kKey, network);
    return sys::write_file_atomic(file(), document.members().empty() ? "{}\n" : to_yaml(document), kPrivate);
}

Result<void> Unconfirmed::confirm() const {
    if (!exists()) return {};
    TRY(sys::remove_file(file()));
    return sys::sync_dir(directory_);
}

Result<bool> Unconfirmed::take_back() const {
    if (!exists()) return false;
    const auto before = TRY(read_document(TRY(sys::read_file(file())), file()));
    const Store store(directory_);
    auto own = TRY(store.own());
    const auto* network = before.find(kKey);
    if (own.at(kKey) != before.at(kKey)) {
        if (network != nullptr) own.set(kKey, *network);
        else own.erase(kKey);
        TRY(store.write(own, "take back a network that nobody confirmed"));
    }
    TRY(confirm());
    return true;
}

}  // namespace diatom::machine
