// The names of unordered_dense that mediasoup uses, for the hash tables of Abseil, which mediasoup had until 3.20.
#pragma once
#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>
#include <absl/hash/hash.h>

#include <iterator>

namespace ankerl::unordered_dense
{
	template<typename T>
	using hash = absl::Hash<T>;

	// Erasable erases as the standard library does: what follows is returned.
	template<typename Table>
	struct Erasable : Table
	{
		using Table::erase;
		using Table::Table;
		using typename Table::iterator;

		iterator erase(iterator it)
		{
			auto next = std::next(it);

			Table::erase(it);
			return next;
		}
	};

	template<typename K, typename V, typename... Rest>
	using map = Erasable<absl::flat_hash_map<K, V, Rest...>>;

	template<typename K, typename... Rest>
	using set = Erasable<absl::flat_hash_set<K, Rest...>>;
} // namespace ankerl::unordered_dense
