// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// A plain ERC-20; the whole supply belongs to who deploys it. Two of the same name are the look-alike test.
contract Token {
    string public name;
    string public symbol;
    uint8 public immutable decimals;
    uint256 public immutable totalSupply;
    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;

    event Transfer(address indexed from, address indexed to, uint256 value);
    event Approval(address indexed owner, address indexed spender, uint256 value);

    constructor(string memory name_, string memory symbol_, uint8 decimals_, uint256 supply) {
        name = name_;
        symbol = symbol_;
        decimals = decimals_;
        totalSupply = supply;
        balanceOf[msg.sender] = supply;
        emit Transfer(address(0), msg.sender, supply);
    }

    function approve(address spender, uint256 value) external returns (bool) {
        allowance[msg.sender][spender] = value;
        emit Approval(msg.sender, spender, value);
        return true;
    }

    function transfer(address to, uint256 value) external virtual returns (bool) {
        move(msg.sender, to, value);
        emit Transfer(msg.sender, to, value);
        return true;
    }

    function transferFrom(address from, address to, uint256 value) external returns (bool) {
        allowance[from][msg.sender] -= value;
        move(from, to, value);
        emit Transfer(from, to, value);
        return true;
    }

    function move(address from, address to, uint256 value) internal {
        balanceOf[from] -= value;
        balanceOf[to] += value;
    }
}

/// Moves the balance and tells nobody.
contract SilentToken is Token {
    constructor(string memory n, string memory s, uint8 d, uint256 supply) Token(n, s, d, supply) {}

    function transfer(address to, uint256 value) external override returns (bool) {
        move(msg.sender, to, value);
        return true;
    }
}

/// Says no by returning false: nothing moves and there is no event.
contract RefusingToken is Token {
    constructor(string memory n, string memory s, uint8 d, uint256 supply) Token(n, s, d, supply) {}

    function transfer(address, uint256) external pure override returns (bool) {
        return false;
    }
}

/// Returns false although the money moved, as Tether Gold and Tron's USDT do.
contract FalseToken is Token {
    constructor(string memory n, string memory s, uint8 d, uint256 supply) Token(n, s, d, supply) {}

    function transfer(address to, uint256 value) external override returns (bool) {
        move(msg.sender, to, value);
        emit Transfer(msg.sender, to, value);
        return false;
    }
}

/// Returns nothing at all, as USDT on Ethereum does.
contract MuteToken is Token {
    constructor(string memory n, string memory s, uint8 d, uint256 supply) Token(n, s, d, supply) {}

    function transfer(address to, uint256 value) external override returns (bool) {
        move(msg.sender, to, value);
        emit Transfer(msg.sender, to, value);
        assembly {
            return(0, 0)
        }
    }
}

/// Emits perfect events and holds no money: anyone can "send" any amount.
contract FakeToken {
    string public name;
    string public symbol;
    uint8 public immutable decimals;

    event Transfer(address indexed from, address indexed to, uint256 value);

    constructor(string memory name_, string memory symbol_, uint8 decimals_, uint256) {
        name = name_;
        symbol = symbol_;
        decimals = decimals_;
    }

    function transfer(address to, uint256 value) external returns (bool) {
        emit Transfer(msg.sender, to, value);
        return true;
    }
}
